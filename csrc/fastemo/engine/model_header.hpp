// The header of a model file: the JSON before the data, as text that nothing is believed of yet.
//
// Only model_file.cpp includes this. JSON has one form here, so it is parsed by that form and without
// recursion: nesting cannot go deeper than the form's three levels, and numbers are whole.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <locale>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "model_file.hpp"

namespace fastemo::model {

// What the header says of one tensor.
struct Entry {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::int64_t begin = 0, end = 0;
};

using Entries = std::map<std::string, Entry, std::less<>>;
using Metadata = std::map<std::string, std::string, std::less<>>;

template <class... Parts>
ModelError error(const Parts&... parts) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    (out << ... << parts);
    return ModelError(out.str());
}

template <class... Parts>
ModelError damaged(const Parts&... parts) {
    return error("damaged model file, or none at all: ", parts..., "; copy or save it again");
}

// Where strict UTF-8 ends (RFC 3629: no overlong form, no surrogate); the size if all is well.
inline std::size_t valid_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        const std::size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size() - i <= more) return i;
        unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        for (std::size_t k = 1; k <= more; ++k, low = 0x80, high = 0xBF)
            if (byte(i + k) < low || byte(i + k) > high) return i;
        i += more + 1;
    }
    return text.size();
}

inline void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F));
    } else {
        put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F));
    }
    put(0x80 | (code & 0x3F));
}

class Header {
public:
    Entries entries;
    Metadata metadata;

    // The text must be valid UTF-8.
    explicit Header(std::string_view text) : text_(text) {
        bool has_metadata = false;
        object([&](const std::string& name) {
            const bool is_metadata = name == "__metadata__";
            if (is_metadata ? std::exchange(has_metadata, true) : entries.contains(name))
                throw damaged(shown(name), " is there twice");
            if (is_metadata)
                parse_metadata();
            else
                parse_entry(name, entries[name]);
        });
        if (skip() != text_.size()) throw expected("the end");
    }

private:
    void parse_metadata() {
        object([&](const std::string& key) {
            if (metadata.contains(key)) throw damaged("metadata ", shown(key), " is there twice");
            metadata[key] = string();
        });
    }

    void parse_entry(const std::string& name, Entry& entry) {
        std::vector<std::int64_t> offsets;
        unsigned seen = 0;
        object([&](const std::string& key) {
            const unsigned bit = key == "dtype" ? 1 : key == "shape" ? 2 : key == "data_offsets" ? 4 : 0;
            if (bit == 0) throw damaged("tensor ", shown(name), " has an unknown entry ", shown(key));
            if (seen & bit) throw damaged("tensor ", shown(name), " has ", shown(key), " twice");
            seen |= bit;
            if (bit == 1)
                entry.dtype = string();
            else
                (bit == 2 ? entry.shape : offsets) = integers(name);
        });
        if (seen != 7) throw damaged("tensor ", shown(name), " lacks its dtype, shape or data_offsets");
        if (offsets.size() != 2) throw damaged("tensor ", shown(name), " has no pair of data_offsets");
        entry.begin = offsets[0], entry.end = offsets[1];
    }

    template <class Member>
    void object(Member member) {
        expect('{');
        if (accept('}')) return;
        do {
            const std::string key = string();
            expect(':');
            member(key);
        } while (accept(','));
        expect('}');
    }

    std::vector<std::int64_t> integers(const std::string& name) {
        std::vector<std::int64_t> out;
        expect('[');
        if (accept(']')) return out;
        do {
            if (out.size() == ModelFile::max_rank)
                throw damaged("tensor ", shown(name), " has more than ", ModelFile::max_rank, " dimensions");
            out.push_back(integer());
        } while (accept(','));
        expect(']');
        return out;
    }

    std::int64_t integer() {
        const std::size_t start = skip();
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        std::size_t end = start;
        while (end < text_.size() && is_digit(text_[end])) ++end;
        if (end == start || (text_[start] == '0' && end > start + 1)) throw expected("a whole number");
        std::int64_t value = 0;
        if (std::from_chars(text_.data() + start, text_.data() + end, value).ec != std::errc{})
            throw expected("a number below 2^63");
        at_ = end;
        return value;
    }

    std::string string() {
        const std::size_t start = skip();
        std::string out;
        if (accept('"') && characters(out)) return out;
        at_ = start;
        throw expected("a string");
    }

    bool characters(std::string& out) {
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return true;
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c != '\\')
                out += c;
            else if (!escape(out))
                return false;
        }
        return false;
    }

    bool escape(std::string& out) {
        constexpr std::string_view letters = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
        if (at_ == text_.size()) return false;
        const char c = text_[at_++];
        if (const std::size_t i = letters.find(c); i != letters.npos) out += values[i];
        if (c != 'u') return letters.find(c) != letters.npos;

        auto code = hex4();
        if (!code || (*code >= 0xDC00 && *code < 0xE000)) return false;
        if (*code >= 0xD800 && *code < 0xDC00) {
            if (text_.substr(at_, 2) != "\\u") return false;
            at_ += 2;
            const auto low = hex4();
            if (!low || *low < 0xDC00 || *low >= 0xE000) return false;
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        }
        append_utf8(out, *code);
        return true;
    }

    std::optional<std::uint32_t> hex4() {
        const std::string_view digits = text_.substr(at_, 4);
        const char* const end = digits.data() + digits.size();
        std::uint32_t code = 0;
        if (digits.size() < 4 || std::from_chars(digits.data(), end, code, 16).ptr != end) return std::nullopt;
        at_ += 4;
        return code;
    }

    std::size_t skip() {
        at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size());
        return at_;
    }

    bool accept(char c) {
        const bool there = skip() < text_.size() && text_[at_] == c;
        at_ += there;
        return there;
    }

    void expect(char c) {
        if (!accept(c)) throw expected(std::string{'\'', c, '\''});
    }

    ModelError expected(std::string_view what) {
        return damaged("expected ", what, " at byte ", skip(), " of its header");
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace fastemo::model
