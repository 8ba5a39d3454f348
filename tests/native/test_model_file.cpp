// The model file reader alone: what it gives, what it refuses, and that no bytes can make it misbehave
// (meant to run under AddressSanitizer and UBSan).
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <locale>
#include <memory>
#include <random>

#include "../../csrc/fastemo/engine/model_file.hpp"

using fastemo::ModelError;
using fastemo::ModelFile;
using fastemo::Tensor;

namespace {

int n_passed = 0, n_failed = 0;

void check(bool ok, const std::string& what) {
    ok ? ++n_passed : ++n_failed;
    if (!ok) std::printf("FAILED: %s\n", what.c_str());
}

// The call must throw a ModelError whose text has the fragment.
template <class Call>
void refuses(const std::string& fragment, Call call) {
    try {
        call();
        check(false, "nothing was refused, expected: " + fragment);
    } catch (const ModelError& e) {
        check(std::string(e.what()).find(fragment) != std::string::npos, fragment + " <- " + e.what());
    }
}

const std::string kMetadata = R"("__metadata__":{"format":"fastemo","format_version":"1"})";
const std::string kOne = R"("a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]})";

std::string file_of(const std::string& header, const std::string& data = {}) {
    const std::uint64_t length = header.size();
    std::string out(sizeof length, '\0');
    std::memcpy(out.data(), &length, sizeof length);
    return out + header + data;
}

std::string model(const std::string& members, const std::string& data) {
    return file_of("{" + kMetadata + "," + members + "}", data);
}

// Reads from the last bytes of an allocation of their size, so that one byte too many is noticed.
ModelFile parse(const std::string& file) {
    const std::unique_ptr<char[]> exact(new char[file.size()]);
    if (!file.empty()) std::memcpy(exact.get(), file.data(), file.size());
    return ModelFile::parse(exact.get(), file.size());
}

template <class T>
std::string bytes_of(std::initializer_list<T> values) {
    return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

std::string example() {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
    return file_of(
        R"({"__metadata__":{"format":"fastemo","format_version":"1","sfreq":"512.5","labels":"joy\nFr\u00f6hlich \ud83d\ude00\n",)"
        R"("none":"","bad":"1,5","hex":"0x10","huge":"1e999"},)"
        R"("flag":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
        R"("coef":{"dtype":"F64","shape":[2,3],"data_offsets":[1,49]},)"
        R"("rail":{"dtype":"F64","shape":[],"data_offsets":[49,57]},)"
        R"("vad":{"dtype":"F64","shape":[2],"data_offsets":[57,73]},)"
        R"("in":{"dtype":"I64","shape":[2],"data_offsets":[73,89]},)"
        R"("hop":{"dtype":"I64","shape":[1,1],"data_offsets":[89,97]},)"
        R"("net":{"dtype":"F32","shape":[1],"data_offsets":[97,101]},)"
        R"("empty":{"dtype":"F64","shape":[0,6],"data_offsets":[101,101]}} )",
        bytes_of<unsigned char>({7}) + bytes_of({1., 2., 3., 4., 5., 6.}) + bytes_of({inf}) + bytes_of({0.5, nan}) +
            bytes_of<std::int64_t>({0, -3, std::numeric_limits<std::int64_t>::min()}) + bytes_of({2.5f}));
}

void test_what_it_gives() {
    const std::string file = example();
    for (std::size_t shift = 0; shift < 9; ++shift) {
        const std::string shifted = std::string(shift, 'x') + file;
        ModelFile parsed = ModelFile::parse(shifted.data() + shift, file.size());
        const ModelFile m = std::move(parsed);
        for (const auto& [name, tensor] : m.tensors())
            check(reinterpret_cast<std::uintptr_t>(tensor.data) % 64 == 0, name + " is aligned");
        const auto coef = m.f64_array("coef", {2, 3});
        check(coef.size() == 6 && coef[0] == 1 && coef[5] == 6, "coef");
        check(m.f64_array("coef", {ModelFile::any, 3}).data() == coef.data(), "an open extent");
        check(m.i64_array("in", {2})[1] == -3, "in");
        check(m.i64("hop") == std::numeric_limits<std::int64_t>::min(), "hop");
        check(std::isinf(m.f64("rail", ModelFile::Values::all)), "rail");
        check(std::isnan(m.f64_array("vad", {2}, ModelFile::Values::all)[1]), "vad");
        check(m.f64_array("empty", {ModelFile::any, 6}).empty() && m.find("empty")->data, "empty");
    }
    const ModelFile m = parse(file);
    check(m.find("flag")->type == Tensor::Type::u8 && m.find("flag")->data[0] == std::byte{7}, "flag");
    float net = 0;
    std::memcpy(&net, m.find("net")->data, sizeof net);
    check(m.find("net")->type == Tensor::Type::f32 && net == 2.5f, "net");
    check(m.find("coef")->size() == 6 && m.find("rail")->size() == 1 && m.find("empty")->size() == 0, "sizes");
    check(!m.find("no") && !m.metadata("no"), "what is not there");
    check(m.tensors().begin()->first == "coef" && m.tensors().size() == 8, "order of the names");
    check(m.number("sfreq") == 512.5 && *m.metadata("sfreq") == "512.5", "sfreq");
    const std::vector<std::string> labels{"joy", "Fr\xc3\xb6hlich \xf0\x9f\x98\x80", ""};
    check(m.lines("labels") == labels && m.lines("none").empty(), "labels");
}

void test_what_its_caller_must_have() {
    const ModelFile m = parse(example());
    refuses("tensor 'no' should be F64 of one element, it is missing", [&] { m.f64("no"); });
    refuses("tensor 'coef' should be F64 of one element, it is F64 of shape [2, 3]", [&] { m.f64("coef"); });
    refuses("tensor 'hop' should be F64 of one element, it is I64 of shape [1, 1]", [&] { m.f64("hop"); });
    refuses("tensor 'net' should be F64", [&] { m.f64("net"); });
    refuses("tensor 'flag' should be I64 of one element, it is U8", [&] { m.i64("flag"); });
    refuses("tensor 'in' should be I64 of one element", [&] { m.i64("in"); });
    refuses("should be F64 of shape [*, 6], it is F64 of shape [2, 3]",
            [&] { m.f64_array("coef", {ModelFile::any, 6}); });
    refuses("should be F64 of shape [6], it is F64 of shape [2, 3]", [&] { m.f64_array("coef", {6}); });
    refuses("should be F64 of shape [], it is missing", [&] { m.f64_array("no", {}); });
    refuses("should be I64 of shape [1], it is F64 of shape []", [&] { m.i64_array("rail", {1}); });
    refuses("tensor 'rail' should be finite, its element 0 is inf", [&] { m.f64("rail"); });
    refuses("tensor 'vad' should be finite, its element 1 is nan", [&] { m.f64_array("vad", {2}); });
    refuses("its metadata 'no' is missing", [&] { m.text("no"); });
    refuses("its metadata 'no' is missing", [&] { m.lines("no"); });
    for (const char* key : {"none", "bad", "hex", "huge", "labels"})
        refuses("should be a number, it is '", [&] { m.number(key); });
}

void test_what_it_refuses() {
    const std::string one = bytes_of({1.0});
    const auto refused = [](const std::string& fragment, const std::string& file) {
        refuses(fragment, [&] { parse(file); });
    };
    const auto tensor = [](const std::string& shape, const std::string& offsets) {
        return R"("a":{"dtype":"F64","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
    };
    parse(model(kOne, one));
    refused("truncated model file: it has 0 bytes", "");
    refused("claims 18446744073709551615 bytes", std::string(8, '\xff') + "{}");
    refused("does not begin with '{'", file_of(""));
    refused("not UTF-8 at byte 2", file_of("{\"\xed\xa0\x80\":1}"));
    refused("not UTF-8 at byte 2", file_of("{\"\xc0\xaf\":1}"));
    refused("not UTF-8 at byte 2", file_of("{\"\xf0\x9f\x98"));
    refused("expected a string at byte 1", file_of(R"({"\ud83d\u0041":1})"));
    refused("expected a string at byte 1", file_of(R"({"\u12)"));
    refused("expected a string at byte 1", file_of(R"({"\)"));
    refused("expected '{'", model("\"a\":" + std::string(1000000, '['), ""));
    refused("expected a whole number", model(tensor(std::string(1000000, '['), "0,8"), one));
    refused("expected a whole number", model(tensor("-1", "0,8"), one));
    refused("expected a number below 2^63", model(tensor("9223372036854775808", "0,8"), one));
    refused("needs 2^63 bytes", model(tensor("9223372036854775807", "0,8"), one));
    refused("needs 2^63 bytes", model(tensor("4294967296,4294967296", "0,0"), ""));
    refused("needs 2^63 bytes", model(tensor("0,9223372036854775807", "0,0"), ""));
    refused("truncated", model(tensor("1152921504606846975", "0,9223372036854775800"), one));
    refused("more than 8 dimensions", model(tensor("1,1,1,1,1,1,1,1,1", "0,8"), one));
    refused("'a' is there twice", model(kOne + "," + kOne, one));
    refused("begins at byte 8 of the data, expected 0", model(tensor("1", "8,16"), one + one));
    refused("begins at byte 0 of the data, expected 8", model(kOne + ",\"b\"" + kOne.substr(3), one));
    refused("its tensors need 8 bytes, 7 are there", model(kOne, one.substr(1)));
    refused("1 bytes follow its last tensor", model(kOne, one + "x"));
    refused("metadata 'format' is missing", file_of("{" + kOne + "}", one));
    refused("newer model file: its format version is '2'",
            file_of(R"({"__metadata__":{"format":"fastemo","format_version":"2"}})"));
    const std::string file = example();
    for (std::size_t n = 0; n < file.size(); ++n) refused("truncated model file", file.substr(0, n));
}

void test_files_on_disk() {
    const auto folder = std::filesystem::temp_directory_path();
    const std::string stamp = std::to_string(std::random_device{}());
    const std::u8string name = u8"fastemo-größe-" + std::u8string(stamp.begin(), stamp.end());
    const auto path = folder / name;
    const std::u8string utf8 = path.u8string();
    const std::string text(utf8.begin(), utf8.end());

    refuses(text + ": there is no such file", [&] { ModelFile::load(text.c_str()); });
    std::ofstream(path, std::ios::binary) << example();
    check(ModelFile::load(text.c_str()).f64_array("coef", {2, 3})[5] == 6, "a file from disk");
    std::filesystem::resize_file(path, 20);
    refuses(text + ": truncated model file", [&] { ModelFile::load(text.c_str()); });
    std::filesystem::resize_file(path, 0);
    refuses(text + ": truncated model file", [&] { ModelFile::load(text.c_str()); });
    std::filesystem::resize_file(path, ModelFile::max_file + 1);
    refuses(text + ": oversized model file", [&] { ModelFile::load(text.c_str()); });
    std::filesystem::remove(path);
    const std::u8string parent = folder.u8string();
    refuses("no such file", [&] { ModelFile::load(std::string(parent.begin(), parent.end()).c_str()); });
}

// A comma for the decimal point, and points between thousands.
struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

void test_any_locale() {
    const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
    const ModelFile m = parse(example());
    check(m.number("sfreq") == 512.5, "a number under another locale");
    refuses("claims 18446744073709551615 bytes", [] { parse(std::string(8, '\xff')); });
    std::locale::global(before);
}

// One to four changes of the file anywhere: a bit, a byte of JSON, a piece left out or told twice.
std::string mutated(std::mt19937_64& random, std::string file) {
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    const std::string json = "{}[],:\"\\u0129-e \n\xc3\xa9\xed";
    for (std::size_t n = below(4) + 1; n > 0 && file.size() > 8; --n) {
        const std::size_t at = 8 + below(file.size() - 8), some = below(40);
        switch (below(6)) {
            case 0: file[at] = static_cast<char>(file[at] ^ (1 << below(8))); break;
            case 1: file[at] = json[below(json.size())]; break;
            case 2: file.insert(at, 1, json[below(json.size())]); break;
            case 3: file.erase(at, some); break;
            case 4: file.insert(at, file.substr(below(file.size()), some)); break;
            default: file[below(8)] ^= static_cast<char>(1 << below(8));
        }
    }
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), sizeof length);
    if (below(2) && length < 4096) {  // make the length of the header right again
        const std::size_t end = file.rfind('}');
        if (end != file.npos && end >= 8) length = end - 7;
        std::memcpy(file.data(), &length, sizeof length);
    }
    return file;
}

void test_mutated_files() {
    std::mt19937_64 random(20240229);
    const std::string file = example();
    int n_read = 0, n_refused = 0;
    double touched = 0;  // every value is looked at, so that a sanitizer sees it
    for (int i = 0; i < 30000; ++i) {
        try {
            const ModelFile m = parse(mutated(random, file));
            for (const auto& [name, tensor] : m.tensors())
                if (tensor.type == Tensor::Type::f64)
                    for (std::int64_t k = 0; k < tensor.size(); ++k)
                        touched += std::fabs(reinterpret_cast<const double*>(tensor.data)[k]) > 1;
            ++n_read;
        } catch (const ModelError&) {
            ++n_refused;
        }
    }
    std::printf("mutated files: %d read, %d refused\n", n_read, n_refused);
    check(n_read > 300 && n_refused > 3000 && touched > 1000, "mutated files of both kinds");
}

}  // namespace

int main() {
    try {
        test_what_it_gives();
        test_what_its_caller_must_have();
        test_what_it_refuses();
        test_files_on_disk();
        test_any_locale();
        test_mutated_files();
    } catch (const std::exception& e) {
        check(false, std::string("nothing should be thrown: ") + e.what());
    }
    std::printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed == 0 ? 0 : 1;
}
