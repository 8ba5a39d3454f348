// The model file: a strict reader of the safetensors format, as far as programs need it.
//
// A file may come from anywhere, so all that its header says is checked before any of it is believed;
// the values of the tensors may still be any bits. fastemo/model_file.py reads by the same rules and
// refuses in the same words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fastemo {

// Its text is one sentence for the user.
class ModelError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Text from a file as a message may show it: quoted, short, one line, printable.
std::string shown(std::string_view text);

struct Tensor {
    enum class Type { f64, f32, i64, u8 };

    Type type = Type::f64;
    std::vector<std::int64_t> shape;  // empty for a scalar
    const std::byte* data = nullptr;  // C order, 64-byte aligned, owned by the ModelFile

    std::int64_t size() const noexcept;  // number of elements
};

class ModelFile {
public:
    static constexpr std::int64_t format_version = 1;
    static constexpr std::size_t max_header = std::size_t{1} << 24;
    static constexpr std::size_t max_file = std::size_t{1} << 30;
    static constexpr std::size_t max_rank = 8;
    static constexpr std::int64_t any = -1;  // an extent that a caller leaves open

    enum class Values { finite, all };

    // Copies what it needs out of the n bytes, which may lie at any address.
    static ModelFile parse(const void* bytes, std::size_t n);
    static ModelFile load(const char* path_utf8);

    ModelFile(ModelFile&&) noexcept = default;
    ModelFile& operator=(ModelFile&&) noexcept = default;
    ModelFile(const ModelFile&) = delete;
    ModelFile& operator=(const ModelFile&) = delete;

    // nullptr where there is none.
    const Tensor* find(std::string_view name) const;
    const std::string* metadata(std::string_view key) const;

    // Tensors that must be there: one element of whatever rank, or an array of that shape. A ModelError
    // says what was expected and what is there; NaN and infinity are refused unless all are welcome.
    double f64(std::string_view name, Values values = Values::finite) const;
    std::int64_t i64(std::string_view name) const;
    std::span<const double> f64_array(std::string_view name, std::initializer_list<std::int64_t> shape,
                                      Values values = Values::finite) const;
    std::span<const std::int64_t> i64_array(std::string_view name, std::initializer_list<std::int64_t> shape) const;

    // Metadata that must be there: as text, as a finite number, as names joined by newlines.
    const std::string& text(std::string_view key) const;
    double number(std::string_view key) const;
    std::vector<std::string> lines(std::string_view key) const;

    // In the order of their names.
    const std::map<std::string, Tensor, std::less<>>& tensors() const noexcept { return tensors_; }
    const std::map<std::string, std::string, std::less<>>& all_metadata() const noexcept { return metadata_; }

private:
    struct alignas(64) Block {
        std::byte bytes[64];
    };

    ModelFile() = default;

    std::vector<Block> storage_;
    std::map<std::string, Tensor, std::less<>> tensors_;
    std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace fastemo
