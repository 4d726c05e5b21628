// SPDX-License-Identifier: Apache-2.0

#include "ketpk/io.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <fcntl.h>
#include <sha2.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits_file.hpp"
#include "session.hpp"
#include "strict_json.hpp"

namespace ketpk::io {
namespace {

[[noreturn]] void refuse_file(std::string_view field) {
  throw InvalidInput(Code::io, std::string(field), "cannot be read; accepted: the path of a readable regular file");
}

/// Everything `descriptor` gives, as long as that is not more than `most` bytes.
std::string read_all(int descriptor, std::string_view field, std::size_t most) {
  std::string bytes(std::min(most, most_bytes) + 1, '\0');
  std::size_t filled = 0;
  while (filled <= most) {
    if (filled == bytes.size()) bytes.resize(std::min(most + 1, 4 * filled));
    const ssize_t got = ::read(descriptor, bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse_file(field);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  require(filled <= most, Code::size, field, "too long; accepted: up to " + std::to_string(most >> 20) + " MiB");
  bytes.resize(filled);
  bytes.shrink_to_fit();
  return bytes;
}

struct Descriptor {
  explicit Descriptor(int d) : number(d) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

}  // namespace

std::string read_file(const std::filesystem::path& path, std::string_view field, std::size_t most) {
  const std::string& name = path.native();
  if (name.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) refuse_file(field);
  struct stat facts {};
  // Looked at before it is opened, because opening some devices does something; and again after, because names move.
  if (::stat(name.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) refuse_file(field);
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number < 0 || ::fstat(file.number, &facts) != 0 || !S_ISREG(facts.st_mode)) refuse_file(field);
  return read_all(file.number, field, most);
}

std::string read_stdin(std::size_t most) { return read_all(STDIN_FILENO, "stdin", most); }

std::string sha256(std::string_view bytes) {
  SHA2_CTX context;
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  SHA256Final(digest.data(), &context);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : digest) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

Request read_session(std::string_view bytes, const SessionContext& context) {
  return understand_session(parse_strict(bytes), context);
}

std::variant<Request, SpreadRequest> read_question(std::string_view bytes, const SessionContext& context) {
  const Json document = parse_strict(bytes);
  if (asks_several_models(document)) return understand_spread(document, context);
  return understand_session(document, context);
}

Limits read_limits(std::string_view bytes) {
  Limits limits = understand_limits(parse_strict(bytes, "limits"));
  validate(limits, limits.effective);
  limits.sha256 = sha256(bytes);
  return limits;
}

}  // namespace ketpk::io
