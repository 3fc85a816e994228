# Libraries as archives where there are some: fork copies a mapping for each segment of each shared library, so that
# `processes` would pay for libraries that only others use.

# bench_find_library(VARIABLE NAME… [OPTIONAL]): the archive of one of these names, else the shared library.
function(bench_find_library variable)
  cmake_parse_arguments(PARSE_ARGV 1 find OPTIONAL "" "")
  set(names ${find_UNPARSED_ARGUMENTS})
  list(TRANSFORM names PREPEND lib OUTPUT_VARIABLE archives)
  list(TRANSFORM archives APPEND .a)
  find_library(${variable} NAMES ${archives} ${names})
  if(NOT ${variable} AND NOT find_OPTIONAL)
    list(GET names 0 first)
    message(FATAL_ERROR "The library ${first} is missing; scripts/setup installs the package that has it")
  endif()
endfunction()

# bench_find_openssl(): sets `openssl`. Its archives need what the distribution had them built with: Debian 13's take two
# libraries that compress. Where they do not link, the shared ones do.
function(bench_find_openssl)
  find_package(OpenSSL 3.0 REQUIRED)
  include(CheckCXXSourceCompiles)
  set(program "#include <openssl/ssl.h>\nint main() { return SSL_CTX_new(TLS_client_method()) == nullptr; }")
  bench_find_library(ssl_archive ssl)
  bench_find_library(crypto_archive crypto)
  bench_find_library(zstd_archive zstd OPTIONAL)
  bench_find_library(zlib_archive z OPTIONAL)
  set(CMAKE_REQUIRED_LIBRARIES ${ssl_archive} ${crypto_archive} Threads::Threads ${CMAKE_DL_LIBS})
  check_cxx_source_compiles("${program}" openssl_archives_link)
  if(NOT openssl_archives_link AND zstd_archive AND zlib_archive)
    list(APPEND CMAKE_REQUIRED_LIBRARIES ${zstd_archive} ${zlib_archive})
    check_cxx_source_compiles("${program}" openssl_archives_link_with_others)
  endif()
  if(openssl_archives_link OR openssl_archives_link_with_others)
    set(openssl ${CMAKE_REQUIRED_LIBRARIES} PARENT_SCOPE)
  else()
    set(openssl OpenSSL::SSL PARENT_SCOPE)
  endif()
endfunction()
