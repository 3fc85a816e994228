// `ftp`: the notes' file server: a folder of files that clients list, read and write. A command is a line, and the
// reply to it a line and as many bytes as that says:
//
//   LIST               OK <bytes>, and a line "<size> <name>" for each file, in the order of their names
//   GET <name>         OK <size>, and the file
//   PUT <name> <size>  and so many bytes: OK <bytes>, and the file's line as LIST has it
//   QUIT               OK 0, and the end of the connection
//   any of them        ERROR <reason>
//
// After an error the connection goes on, and what a refused PUT sends is skipped; it is closed where nobody knows where
// the next command begins: after a PUT without a size, or with one of more than 64 MiB, and a line of more than 256
// bytes. Lines end in \n or in \r\n. A last word "heavy" asks for the computation and the wait of --service-cpu and
// --service-wait.
//
// A PUT goes to a file that nobody sees and takes its name at once when it is whole; one that is cut short leaves
// nothing. Who reads a file that is replaced meanwhile reads the old one to its end. Files are not synced: they go with
// the run. A store holds 4,096 files of 8 GiB in all.
//
// The files lie on a disk, and mostly in its cache. Their bytes are read and written by the model, 64 KiB at a time, in
// its own idiom: a loop that has none for files stops meanwhile. Names are looked up and changed at once by all.
#include "workloads/ftp.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include "workloads/disk_file.h"
#include "workloads/file_contents.h"
#include "workloads/ftp_protocol.h"
#include "workloads/ftp_store.h"

namespace bench {
namespace {

// The top bit tells files that the store is filled with from those that are put; below it versions have 24 bits.
constexpr std::uint64_t filled_mark = std::uint64_t{1} << 63;
constexpr int version_bits = 24;
constexpr std::uint64_t version_mask = (std::uint64_t{1} << version_bits) - 1;

// Large enough for the stamp, by which clients tell what others have put under the same name.
constexpr Parameter file_size_parameter() {
  Parameter parameter = message_size_parameter("16KiB", 16U << 20, "bytes of each file");
  parameter.least = FileContents::stamp_bytes;
  return parameter;
}

constexpr auto parameters = std::to_array<Parameter>({
    file_size_parameter(),
    {.name = "store-files",
     .kind = ParameterKind::count,
     .standard = "16",
     .meaning = "files that the store holds when the server starts",
     .least = 2,
     .most = max_ftp_filled_files,
     .title = "{} files",
     .shown_at_standard = false},
});

void fill_store(const ServiceContext& context) {
  if (context.store.path.empty()) throw std::logic_error("a server of files was given no folder");
  make_incoming_folder(context.store.fd);
  for (std::uint64_t number = 0; number < ftp_filled_files(context.parameters); ++number) {
    write_file(fmt::format("{}/{}", context.store.path, ftp_filled_name(number)),
               FileContents(ftp_filled_stamp(number)), context.parameters.message_bytes, 0600);
  }
}

constexpr std::array classes{RequestClass{"list"}, RequestClass{"get"}, RequestClass{"put"}};

}  // namespace

std::uint64_t ftp_filled_files(const ServiceParameters& given) {
  constexpr std::uint64_t standard = 16;
  return given.own.number("store-files", standard);
}

std::string ftp_filled_name(std::uint64_t number) { return fmt::format("file-{:03}", number); }

std::string ftp_put_name(std::uint64_t connection) { return fmt::format("put-{:03}", connection % ftp_put_names); }

std::uint64_t ftp_filled_stamp(std::uint64_t number) { return filled_mark | number; }

std::uint64_t ftp_put_stamp(std::uint64_t connection, std::uint64_t version) {
  return (connection << version_bits | (version & version_mask)) & ~filled_mark;
}

std::uint64_t ftp_writer_of(std::uint64_t stamp) { return stamp >> version_bits; }

extern constinit const Service ftp_service{
    .name = "ftp",
    .summary = "TCP: a folder of files on disk, by the commands LIST, GET, PUT and QUIT",
    .scheme = {.name = "files"},
    .parameters = parameters,
    .classes = classes,
    .fill_store = fill_store,
    .open = open_ftp_session,
    .exchange = make_ftp_exchange,
};

}  // namespace bench
