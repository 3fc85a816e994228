# bench in a container, built as on any Debian machine.
#
#   docker build -t bench .
#   docker run --rm bench --model=threads,epoll --workload=echo
#
# Docker's usual seccomp filter forbids io_uring, and its limits are few descriptors and processes; what cannot run is
# skipped with the reason. To measure everything, and keep the results:
#
#   docker run --rm --security-opt seccomp=unconfined --ulimit nofile=1048576 --pids-limit=-1 \
#     -v "$PWD/results:/results" bench --suite=c10k
FROM debian:12
WORKDIR /src
COPY . .
RUN scripts/setup && scripts/build release bench && cmake --install build/release && rm -rf build /var/lib/apt/lists/*
ENV BENCH_RESULTS=/results
RUN mkdir -p /results
ENTRYPOINT ["bench"]
