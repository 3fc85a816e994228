// The two sides of a connection of `ftp` (workloads/ftp.cpp), and the files that they both know of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "workloads/service.h"

namespace bench {

/// In the order of the row's classes.
enum class FtpClass : ClassIndex { list, get, put };

/// How many names the connections of a load put to. Those with the same number modulo this one share a name, so that a
/// store stays small however many connections come and go.
inline constexpr std::uint64_t ftp_put_names = 256;

/// The most files that a store is filled with: together with the names above they fit one read of the folder, in which
/// the kernel shows it as it is at one moment.
inline constexpr std::uint64_t max_ftp_filled_files = 256;

/// Files that a store is filled with: `--store-files`.
std::uint64_t ftp_filled_files(const ServiceParameters& parameters);

/// The name of file `number` that a store is filled with. Their order is that of their numbers.
std::string ftp_filled_name(std::uint64_t number);

/// The name that a connection puts to.
std::string ftp_put_name(std::uint64_t connection);

/// The stamps (FileContents) of file `number` of the store, and of what a connection puts the `version`th time.
std::uint64_t ftp_filled_stamp(std::uint64_t number);
std::uint64_t ftp_put_stamp(std::uint64_t connection, std::uint64_t version);

/// Which connection has put a file; that of a filled one is none.
std::uint64_t ftp_writer_of(std::uint64_t stamp);

/// The server's side.
std::unique_ptr<Session> open_ftp_session(const ServiceContext& context);

/// The client's side.
std::unique_ptr<Exchange> make_ftp_exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy);

}  // namespace bench
