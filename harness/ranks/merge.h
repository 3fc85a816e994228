// The findings of several ranks as those of one run.
#pragma once

#include <string>

#include "measure/run_report.h"

namespace bench {

/// Adds what another rank measured of the same run, by adding counts, of histograms too; what only one of them knows,
/// as the server's usage, is 0 in the others. Of errors the first text is kept.
void merge(ServiceMeasurement& into, const ServiceMeasurement& other);

/// How a rank's own load generator has fared, judged by itself at its share of the rate.
GeneratorFindings findings_of(const RunReport& report, std::uint32_t rank, const std::string& host, double rate);

}  // namespace bench
