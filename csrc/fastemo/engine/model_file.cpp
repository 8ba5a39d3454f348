#include "model_file.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <locale>
#include <sstream>
#include <system_error>
#include <utility>

#include "model_header.hpp"

namespace fastemo {

namespace {

using namespace model;

static_assert(std::endian::native == std::endian::little, "model files are little-endian");

struct Dtype {
    std::string_view name;
    std::int64_t item_size;
};

constexpr Dtype kDtypes[] = {{"F64", 8}, {"F32", 4}, {"I64", 8}, {"U8", 1}};  // as Tensor::Type counts

const Dtype& dtype(Tensor::Type type) { return kDtypes[static_cast<int>(type)]; }

template <class... Parts>
ModelError truncated(const Parts&... parts) {
    return error("truncated model file: ", parts..., "; copy or save it again");
}

template <class... Parts>
ModelError unusable(const Parts&... parts) {
    return error("unusable model file: ", parts..., "; save it again");
}

void check_file_size(std::uintmax_t n) {
    if (n > ModelFile::max_file)
        throw error("oversized model file: it has ", n, " bytes, at most ", ModelFile::max_file, " are allowed");
}

void check_version(const Metadata& metadata) {
    const auto format = metadata.find("format"), version = metadata.find("format_version");
    const auto value = [&](auto it) { return it == metadata.end() ? "missing" : shown(it->second); };
    if (format == metadata.end() || format->second != "fastemo")
        throw error("not a fastemo model: its metadata 'format' is ", value(format), ", expected 'fastemo'");

    const std::string digits = version == metadata.end() ? "" : version->second;
    if (digits.empty() || digits[0] == '0' || digits.find_first_not_of("0123456789") != digits.npos)
        throw damaged("its metadata 'format_version' is ", value(version), ", expected a whole number from 1 on");
    std::int64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (read.ec != std::errc{} || number > ModelFile::format_version)
        throw error("newer model file: its format version is ", shown(digits), ", this fastemo reads up to ",
                    ModelFile::format_version, "; upgrade fastemo");
}

Tensor::Type checked_type(const std::string& name, const Entry& entry) {
    const auto* const it = std::ranges::find(kDtypes, entry.dtype, &Dtype::name);
    if (it == std::end(kDtypes))
        throw damaged("tensor ", shown(name), " has dtype ", shown(entry.dtype), ", expected F64, F32, I64 or U8");
    return static_cast<Tensor::Type>(it - kDtypes);
}

void check_size(const std::string& name, const Entry& entry, std::int64_t item_size) {
    // A zero does not excuse the other extents: NumPy cannot hold such an array either.
    std::int64_t bytes = item_size;
    bool empty = false;
    for (const std::int64_t extent : entry.shape) {
        if (extent > std::numeric_limits<std::int64_t>::max() / bytes)
            throw damaged("the shape of tensor ", shown(name), " needs 2^63 bytes or more");
        bytes *= std::max<std::int64_t>(extent, 1);
        empty |= extent == 0;
    }
    if (empty) bytes = 0;
    if (entry.end < entry.begin || entry.end - entry.begin != bytes)
        throw damaged("tensor ", shown(name), " needs ", bytes, " bytes, its data_offsets are ", entry.begin, " to ",
                      entry.end);
}

// Laid in order the tensors must cover the n bytes of data: no overlap, no hole, no rest.
void check_layout(const Entries& entries, std::size_t n) {
    std::vector<const Entries::value_type*> order;
    for (const auto& entry : entries) order.push_back(&entry);
    std::ranges::stable_sort(order, {}, [](const auto* e) { return std::pair(e->second.begin, e->second.end); });
    const auto available = static_cast<std::int64_t>(n);
    std::int64_t at = 0;
    for (const auto* entry : order) {
        if (entry->second.begin != at)
            throw damaged("tensor ", shown(entry->first), " begins at byte ", entry->second.begin,
                          " of the data, expected ", at);
        at = entry->second.end;
    }
    if (at > available) throw truncated("its tensors need ", at, " bytes, ", available, " are there");
    if (at < available) throw damaged(available - at, " bytes follow its last tensor");
}

std::string described(Tensor::Type type, std::span<const std::int64_t> shape) {
    std::string out = std::string(dtype(type).name) + " of shape [";
    for (std::size_t i = 0; i < shape.size(); ++i)
        out += (i ? ", " : "") + (shape[i] == ModelFile::any ? "*" : std::to_string(shape[i]));
    return out + "]";
}

ModelError mismatch(std::string_view name, const std::string& wanted, const Tensor* got) {
    return unusable("tensor ", shown(name), " should be ", wanted, ", it is ",
                    got ? described(got->type, got->shape) : "missing");
}

template <class T>
std::span<const T> elements(const Tensor& tensor) {
    return {reinterpret_cast<const T*>(tensor.data), static_cast<std::size_t>(tensor.size())};
}

template <class T>
T one(std::string_view name, const Tensor* tensor, Tensor::Type type) {
    if (!tensor || tensor->type != type || tensor->size() != 1)
        throw mismatch(name, std::string(dtype(type).name) + " of one element", tensor);
    return elements<T>(*tensor)[0];
}

template <class T>
std::span<const T> array(std::string_view name, const Tensor* tensor, Tensor::Type type,
                         std::span<const std::int64_t> shape) {
    const auto fits = [](std::int64_t got, std::int64_t want) { return want == ModelFile::any || got == want; };
    if (!tensor || tensor->type != type || !std::ranges::equal(tensor->shape, shape, fits))
        throw mismatch(name, described(type, shape), tensor);
    return elements<T>(*tensor);
}

void check_finite(std::string_view name, std::span<const double> values) {
    const auto it = std::ranges::find_if_not(values, [](double v) { return std::isfinite(v); });
    if (it != values.end())
        throw unusable("tensor ", shown(name), " should be finite, its element ", it - values.begin(), " is ", *it);
}

}  // namespace

std::string shown(std::string_view text) {
    std::string out = "'";
    std::size_t n = 0;
    for (const char c : text) {
        if ((c & 0xC0) == 0x80) continue;  // the rest of a character that stands as ? already
        if (++n > 40) return out + "...'";
        out += c >= ' ' && c <= '~' ? c : '?';
    }
    return out + "'";
}

std::int64_t Tensor::size() const noexcept {
    std::int64_t n = 1;
    for (const std::int64_t extent : shape)
        if (extent == 0) return 0;
    for (const std::int64_t extent : shape) n *= extent;
    return n;
}

ModelFile ModelFile::parse(const void* bytes, std::size_t n) {
    check_file_size(n);
    std::uint64_t length = 0;
    if (n < sizeof length) throw truncated("it has ", n, " bytes, at least 10 are needed");
    std::memcpy(&length, bytes, sizeof length);
    n -= sizeof length;
    if (length > max_header)
        throw damaged("its header claims ", length, " bytes, at most ", max_header, " are allowed");
    if (length > n) throw truncated("its header needs ", length, " bytes, ", n, " are there");
    const std::string_view text(static_cast<const char*>(bytes) + sizeof length, static_cast<std::size_t>(length));
    const char* const data = text.data() + text.size();
    n -= text.size();
    if (!text.starts_with('{')) throw damaged("its header does not begin with '{'");
    if (const std::size_t end = valid_utf8(text); end < text.size())
        throw damaged("its header is not UTF-8 at byte ", end);

    Header header(text);
    check_version(header.metadata);
    for (const auto& [name, entry] : header.entries)
        check_size(name, entry, dtype(checked_type(name, entry)).item_size);
    check_layout(header.entries, n);

    ModelFile model;
    const auto blocks = [](const Entry& e) { return (static_cast<std::size_t>(e.end - e.begin) + 63) / 64; };
    std::size_t n_blocks = 1;  // so that an empty tensor has an address too
    for (const auto& [name, entry] : header.entries) n_blocks += blocks(entry);
    model.storage_.resize(n_blocks);
    Block* block = model.storage_.data();
    for (auto& [name, entry] : header.entries) {
        std::memcpy(block, data + entry.begin, static_cast<std::size_t>(entry.end - entry.begin));
        model.tensors_[name] = {checked_type(name, entry), std::move(entry.shape), block->bytes};
        block += blocks(entry);
    }
    model.metadata_ = std::move(header.metadata);
    return model;
}

ModelFile ModelFile::load(const char* path_utf8) {
    const std::string name(path_utf8);
    try {
        const std::filesystem::path path(std::u8string(name.begin(), name.end()));
        if (!std::filesystem::is_regular_file(path)) throw error("there is no such file");
        const std::uintmax_t n = std::filesystem::file_size(path);
        check_file_size(n);
        std::vector<char> bytes(static_cast<std::size_t>(n));
        std::ifstream file(path, std::ios::binary);
        if (!file.read(bytes.data(), static_cast<std::streamsize>(n))) throw error("the file cannot be read");
        return parse(bytes.data(), bytes.size());
    } catch (const ModelError& e) {
        throw error(name, ": ", e.what());
    } catch (const std::system_error&) {
        throw error(name, ": the file cannot be read");
    }
}

const Tensor* ModelFile::find(std::string_view name) const {
    const auto it = tensors_.find(name);
    return it == tensors_.end() ? nullptr : &it->second;
}

const std::string* ModelFile::metadata(std::string_view key) const {
    const auto it = metadata_.find(key);
    return it == metadata_.end() ? nullptr : &it->second;
}

double ModelFile::f64(std::string_view name, Values values) const {
    const double value = one<double>(name, find(name), Tensor::Type::f64);
    if (values == Values::finite) check_finite(name, {&value, 1});
    return value;
}

std::int64_t ModelFile::i64(std::string_view name) const {
    return one<std::int64_t>(name, find(name), Tensor::Type::i64);
}

std::span<const double> ModelFile::f64_array(std::string_view name, std::initializer_list<std::int64_t> shape,
                                             Values values) const {
    const auto out = array<double>(name, find(name), Tensor::Type::f64, {shape.begin(), shape.size()});
    if (values == Values::finite) check_finite(name, out);
    return out;
}

std::span<const std::int64_t> ModelFile::i64_array(std::string_view name,
                                                   std::initializer_list<std::int64_t> shape) const {
    return array<std::int64_t>(name, find(name), Tensor::Type::i64, {shape.begin(), shape.size()});
}

const std::string& ModelFile::text(std::string_view key) const {
    if (const std::string* value = metadata(key)) return *value;
    throw unusable("its metadata ", shown(key), " is missing");
}

double ModelFile::number(std::string_view key) const {
    const std::string& value = text(key);
    std::istringstream in(value);  // not from_chars: libc++ has it for whole numbers only
    in.imbue(std::locale::classic());
    double out = 0;
    const bool plain = value.find_first_not_of("0123456789.eE+-") == value.npos;
    if (!plain || !(in >> out) || !in.eof() || !std::isfinite(out))
        throw unusable("its metadata ", shown(key), " should be a number, it is ", shown(value));
    return out;
}

std::vector<std::string> ModelFile::lines(std::string_view key) const {
    const std::string& value = text(key);
    std::vector<std::string> out;
    for (std::size_t at = 0; !value.empty() && at <= value.size();) {
        const std::size_t end = std::min(value.find('\n', at), value.size());
        out.push_back(value.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

}  // namespace fastemo
