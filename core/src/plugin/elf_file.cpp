#include "plugin/elf_file.hpp"

#include <elf.h>
#include <fmt/core.h>
#include <link.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include <cohort/error.hpp>

#include "base/module_info.hpp"
#include "base/text.hpp"

namespace cohort::detail {
namespace {

using Header = ElfW(Ehdr);
using Section = ElfW(Shdr);
using Segment = ElfW(Phdr);
using Symbol = ElfW(Sym);

constexpr unsigned char native_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char native_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
#if defined(__x86_64__)
constexpr unsigned native_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned native_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr unsigned native_machine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr unsigned native_machine = EM_PPC64;
#else
constexpr unsigned native_machine = EM_NONE;  // dlopen() has the last word
#endif

// Also guards the table walks below: a forged header cannot ask for more than is there.
constexpr std::uint64_t max_table_bytes = 64 << 20;

class ElfFile {
 public:
  explicit ElfFile(const std::filesystem::path& path) : file_(nullptr, std::fclose) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (error) throw PluginError("cannot be read: " + error.message());
    // To open a FIFO would wait for its writer, and a device may do anything.
    if (!std::filesystem::is_regular_file(status)) throw PluginError("is not a regular file");
    file_.reset(std::fopen(path.c_str(), "re"));
    if (!file_) fail_to_open(errno);
    size_ = std::filesystem::file_size(path, error);
    if (error) throw PluginError("cannot be read: " + error.message());
    read_header();
  }

  std::vector<std::byte> read_symbol(const std::string& name, std::size_t size) {
    check_whole();
    std::vector<Section> sections = read_table<Section>(header_.e_shoff, header_.e_shnum);
    for (const Section& section : sections) {
      if (section.sh_type != SHT_DYNSYM || section.sh_link >= sections.size()) continue;
      std::vector<char> names =
          read_table<char>(sections[section.sh_link].sh_offset, sections[section.sh_link].sh_size);
      for (const Symbol& symbol : read_table<Symbol>(section.sh_offset, section.sh_size / sizeof(Symbol)))
        if (is_exported(symbol) && has_name(names, symbol.st_name, name))
          return read_object(symbol.st_value, std::min<std::uint64_t>(size, symbol.st_size));
    }
    throw PluginError("is not a cohort plugin: it exports no symbol '" + name + "'");
  }

  /// @throws PluginError if what would be loaded is not all there.
  void check_whole() { static_cast<void>(loaded_segments()); }

  std::string build_id() {
    for (const Segment& segment : read_table<Segment>(header_.e_phoff, header_.e_phnum)) {
      if (segment.p_type != PT_NOTE) continue;
      const auto notes = read_table<std::byte>(segment.p_offset, segment.p_filesz);
      if (const auto id = find_build_id(notes); !id.empty()) return build_id_text(id);
    }
    return "";
  }

 private:
  // Where this process has no room, nothing is wrong with the file.
  [[noreturn]] static void fail_to_open(int error) {
    const std::string cause = "cannot be read: " + errno_text(error);
    if (error == EMFILE || error == ENFILE || error == ENOMEM)
      throw Error("a plugin or a module " + cause, ErrorKind::overloaded);
    throw PluginError(cause);
  }

  void read_header() {
    if (size_ < sizeof header_) throw PluginError("is not an ELF shared library");
    header_ = read_table<Header>(0, 1).front();
    if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) throw PluginError("is not an ELF shared library");
    unsigned char file_class = header_.e_ident[EI_CLASS], order = header_.e_ident[EI_DATA];
    bool other_machine = native_machine != EM_NONE && header_.e_machine != native_machine;
    if (file_class != native_class || order != native_order || other_machine)
      throw PluginError(
          fmt::format("is for another machine (ELF machine {}, class {}, byte order {}); this one has "
                      "machine {}, class {}, byte order {}",
                      header_.e_machine, file_class, order, native_machine, native_class, native_order));
    if (header_.e_type != ET_DYN) throw PluginError("is not an ELF shared library");
    if (header_.e_shentsize != sizeof(Section) || header_.e_phentsize != sizeof(Segment)) throw damaged();
  }

  /// The bytes at a virtual address. What lies past a segment's bytes in the file is zero when loaded.
  std::vector<std::byte> read_object(std::uint64_t address, std::size_t size) {
    for (const Segment& segment : loaded_segments()) {
      if (address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_memsz) continue;
      std::uint64_t start = address - segment.p_vaddr;
      std::uint64_t in_file = start < segment.p_filesz ? std::min<std::uint64_t>(size, segment.p_filesz - start) : 0;
      std::vector<std::byte> bytes = read_table<std::byte>(segment.p_offset + start, in_file);
      bytes.resize(size);
      return bytes;
    }
    throw damaged();
  }

  std::vector<Segment> loaded_segments() {
    std::vector<Segment> segments = read_table<Segment>(header_.e_phoff, header_.e_phnum);
    std::erase_if(segments, [](const Segment& segment) { return segment.p_type != PT_LOAD; });
    // The system's loader maps even what is not there, and the process ends when that is touched.
    for (const Segment& segment : segments)
      if (segment.p_offset > size_ || segment.p_filesz > size_ - segment.p_offset) throw damaged();
    return segments;
  }

  template <class T>
  std::vector<T> read_table(std::uint64_t offset, std::uint64_t count) {
    if (count > max_table_bytes / sizeof(T) || offset > size_ || count * sizeof(T) > size_ - offset) throw damaged();
    std::vector<T> table(count);
    if (count == 0) return table;
    if (std::fseek(file_.get(), static_cast<long>(offset), SEEK_SET) != 0 ||
        std::fread(table.data(), sizeof(T), count, file_.get()) != count)
      throw damaged();
    return table;
  }

  static bool is_exported(const Symbol& symbol) {
    return symbol.st_shndx != SHN_UNDEF && (symbol.st_info >> 4) != STB_LOCAL && (symbol.st_info & 0xF) == STT_OBJECT;
  }

  static bool has_name(const std::vector<char>& names, std::size_t at, const std::string& name) {
    return at < names.size() && names.size() - at > name.size() &&
           std::memcmp(names.data() + at, name.c_str(), name.size() + 1) == 0;
  }

  static PluginError damaged() { return PluginError("is a damaged ELF file: its tables point outside of it"); }

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::uint64_t size_ = 0;
  Header header_ = {};
};

}  // namespace

std::vector<std::byte> read_elf_symbol(const std::filesystem::path& path, const std::string& symbol, std::size_t size) {
  return ElfFile(path).read_symbol(symbol, size);
}

std::string read_elf_build_id(const std::filesystem::path& path) {
  ElfFile file(path);
  file.check_whole();
  return file.build_id();
}

std::string read_elf_build_id_of_head(const std::filesystem::path& path) { return ElfFile(path).build_id(); }

}  // namespace cohort::detail
