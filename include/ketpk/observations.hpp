// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a model is believed for what it predicted, so the concentrations that somebody measured are part of the
// project: each with the paper, the place where its number was read and under which licence, where blood was drawn, in
// how many people, and how well the number could be read. Nothing derived is stored as observed: enantiomers are added
// and amounts of substance become mass where data and models meet (evidence.hpp). A point that is not to be judged by
// stays, with the reason beside it; so does a data set.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// What an assay measured. Without S- or R-: both enantiomers together.
enum class Substance : std::uint8_t {
  ketamine,
  s_ketamine,
  r_ketamine,
  norketamine,
  s_norketamine,
  r_norketamine,
  hydroxynorketamine,
  dehydronorketamine,
  s_dehydronorketamine,
  r_dehydronorketamine
};
inline constexpr std::array<std::string_view, 10> substance_names{
    "ketamine",      "s-ketamine",         "r-ketamine",         "norketamine",          "s-norketamine",
    "r-norketamine", "hydroxynorketamine", "dehydronorketamine", "s-dehydronorketamine", "r-dehydronorketamine"};
[[nodiscard]] constexpr std::string_view name_of(Substance s) noexcept {
  return substance_names[static_cast<std::size_t>(s)];
}

/// The molecule, whichever its hand.
enum class Molecule : std::uint8_t { ketamine, norketamine, hydroxynorketamine, dehydronorketamine };
inline constexpr std::array<std::string_view, 4> molecule_names{"ketamine", "norketamine", "hydroxynorketamine",
                                                                "dehydronorketamine"};
[[nodiscard]] constexpr std::string_view name_of(Molecule m) noexcept {
  return molecule_names[static_cast<std::size_t>(m)];
}
[[nodiscard]] constexpr Molecule molecule_of(Substance s) noexcept {
  if (s <= Substance::r_ketamine) return Molecule::ketamine;
  if (s <= Substance::r_norketamine) return Molecule::norketamine;
  return s == Substance::hydroxynorketamine ? Molecule::hydroxynorketamine : Molecule::dehydronorketamine;
}

/// How papers print concentrations.
enum class ObservedUnit : std::uint8_t { ng_per_mL, mcg_per_mL, nmol_per_mL, umol_per_L };
inline constexpr std::array<std::string_view, 4> observed_unit_names{"ng/mL", "mcg/mL", "nmol/mL", "umol/L"};
[[nodiscard]] constexpr std::string_view name_of(ObservedUnit u) noexcept {
  return observed_unit_names[static_cast<std::size_t>(u)];
}

namespace observed {

[[nodiscard]] constexpr double molar_mass_g_per_mol(Molecule m) noexcept {
  switch (m) {
    case Molecule::ketamine: return ketamine_g_per_mol;
    case Molecule::norketamine: return norketamine_g_per_mol;
    case Molecule::hydroxynorketamine: return hydroxynorketamine_g_per_mol;
    default: return dehydronorketamine_g_per_mol;
  }
}

/// `number` as printed, in ng/mL of `molecule`: 1 nmol/mL = 1 umol/L is its molar mass in ng/mL.
[[nodiscard]] constexpr double ng_per_mL(double number, ObservedUnit unit, Molecule molecule) noexcept {
  switch (unit) {
    case ObservedUnit::ng_per_mL: return number;
    case ObservedUnit::mcg_per_mL: return number * 1000;
    default: return number * molar_mass_g_per_mol(molecule);
  }
}

}  // namespace observed

/// One concentration as it was printed or read.
struct ObservedPoint {
  Micros at;
  double value;                               ///< in the series' unit
  std::string left_out = {};                  ///< why no summary counts it; empty: it does
  std::string note = {};                      ///< what else is to be said of it
  std::optional<double> sd = {};              ///< between subjects, as printed beside it
  std::optional<double> low = {}, high = {};  ///< the 95 % confidence interval of the mean, as printed
};

/// One substance over time, in one unit, read in one way.
struct ObservedSeries {
  Substance substance;
  ObservedUnit unit;
  std::string reading;  ///< what was read, and how
  std::optional<double> reading_error_rel =
      {};                             ///< of a figure, as far as its reader says; absent for a printed number
  std::vector<ObservedPoint> points;  ///< in order of time
};

/// A number that carries no curve, or whose dose is not known well enough to run a model on.
struct ReportedValue {
  std::string quantity;
  double value;
  std::string unit;
  std::string note = {};
  std::string suspect = {};  ///< why it is not to be judged by; empty: nothing speaks against it
};

/// What a data set was to a model.
enum class InSample : std::uint8_t { certain, likely, chosen_on_it };
inline constexpr std::array<std::string_view, 3> in_sample_names{"certain", "likely", "chosen-on-it"};
[[nodiscard]] constexpr std::string_view name_of(InSample s) noexcept {
  return in_sample_names[static_cast<std::size_t>(s)];
}
struct InSampleFor {
  std::string model;  ///< id of the card
  Molecule molecule;
  InSample how;
  std::string why;
};

/// One study, or one figure or table of it.
struct Observations {
  std::string id;
  std::string label;
  std::string short_label;  ///< for the head of a column
  std::string paper;
  std::string doi;      ///< or not-stated
  std::string source;   ///< where the numbers were read: repository and commit, or page
  std::string licence;  ///< of that place
  Site site;
  std::string site_source;
  std::optional<int> n = {};
  std::string population = "not-stated";
  std::string weight = "not-stated";   ///< of the subjects, as printed
  std::string given;                   ///< as the paper states it
  std::optional<Patient> person = {};  ///< whom predictions are made for; absent where none is made
  std::string assumed = {};            ///< what of that person was not printed
  bool is_age_printed = false;         ///< if not, no more is held against a domain of age than that they were adults
  std::optional<Order> order = {};     ///< absent where no model can be run
  std::vector<ObservedSeries> series = {};
  std::vector<ReportedValue> reported = {};
  std::vector<InSampleFor> in_sample_for = {};
  std::vector<std::string> caveats = {};
  std::string not_judged_by = {};  ///< why no model is to be judged by it; empty: models are
  std::string not_run = {};        ///< why no model is run on it; empty: models are

  [[nodiscard]] bool is_run() const noexcept { return not_run.empty(); }
};

namespace observed {
namespace detail {

/// Hours as printed, to the microsecond.
[[nodiscard]] inline Micros hours(double h) { return Micros{std::llround(h * 3.6e9)}; }

struct SeriesAbout {
  Substance substance;
  ObservedUnit unit;
  std::string reading;
  std::optional<double> reading_error_rel;
};

/// `left_out(at)` says why a point is.
template <std::size_t N, class LeftOut>
[[nodiscard]] ObservedSeries series(SeriesAbout about, const std::array<double, N>& at_h,
                                    const std::array<double, N>& values, LeftOut left_out) {
  ObservedSeries s{.substance = about.substance,
                   .unit = about.unit,
                   .reading = std::move(about.reading),
                   .reading_error_rel = about.reading_error_rel,
                   .points = {}};
  for (std::size_t i = 0; i < N; ++i) {
    ObservedPoint p{.at = hours(at_h[i]), .value = values[i]};
    p.left_out = p.value > 0 ? left_out(p.at) : "reads zero: the curve lies on the axis of the figure";
    s.points.push_back(std::move(p));
  }
  return s;
}

[[nodiscard]] inline std::string nothing_left_out(Micros) { return {}; }

[[nodiscard]] inline Patient somebody(double weight_kg, double age_yr) {
  return {.weight = {weight_kg, unit::kg}, .age = Age{age_yr, unit::yr}, .covariates = {{"RACE_ASIAN", 0}}};
}

[[nodiscard]] inline Order order_of(Analyte analyte, std::vector<Input> inputs) {
  return {
      .analyte = analyte, .form = Form::base, .initial_state = InitialState::drug_free, .inputs = std::move(inputs)};
}

inline constexpr std::string_view digitised =
    "github.com/indand21/ketamine_therapeutic_window, commit 0988109, docs/validation/digitized";
inline constexpr std::string_view quoted = "none stated where it was read; single printed numbers, quoted as facts";

// Kamp 2020, British Journal of Anaesthesia ---------------------------------------------------------------------------

inline constexpr std::array<double, 16> kamp_h{0.083, 0.25, 0.5, 0.75,  1.0,   1.5, 1.667, 2.0,
                                               2.083, 2.5,  3.0, 3.083, 3.167, 3.5, 4.0,   5.0};

/// The step at 3 h is the end of the infusion: the concentration there is still that of the last rate.
[[nodiscard]] inline std::string beside_a_step(Micros at) {
  using std::chrono::minutes;
  if (at == minutes{180}) return {};
  for (const minutes step : {minutes{0}, minutes{60}, minutes{120}, minutes{180}})
    if (at >= step && at - step <= minutes{10} + std::chrono::seconds{2})
      return "at a change of rate, or within 10 min after one, where a curve read from pixels is unreliable";
  return {};
}

[[nodiscard]] inline ObservedSeries kamp_series(Substance substance, char panel, double error,
                                                const std::array<double, 16>& values) {
  const bool parent = molecule_of(substance) == Molecule::ketamine;
  SeriesAbout about{substance, ObservedUnit::nmol_per_mL,
                    std::string("Fig 1 panel ") + panel +
                        ", the line of the mean read pixel by pixel and resampled by its reader; no spread was read",
                    error};
  return parent ? series(std::move(about), kamp_h, values, beside_a_step)
                : series(std::move(about), kamp_h, values, nothing_left_out);
}

/// What both arms share.
[[nodiscard]] inline Observations kamp(std::string id, std::string label, Analyte analyte,
                                       const std::array<double, 3>& mg_per_kg_per_h) {
  using std::chrono::minutes;
  std::vector<Input> inputs;
  for (std::size_t i = 0; i < 3; ++i)
    inputs.emplace_back(InfuseAtRate{.rate = {mg_per_kg_per_h[i], unit::mg_per_kg_per_h},
                                     .over = minutes{60},
                                     .at = minutes{60 * static_cast<int>(i)}});
  const std::string why =
      "the same group pooled 14 raw data sets of its own and others; their list was not seen, and these volunteers are "
      "very likely among them";
  return {
      .id = std::move(id),
      .label = std::move(label),
      .short_label = analyte == Analyte::s_ketamine ? "Kamp esket." : "Kamp racemic",
      .paper = "Kamp J et al. Br J Anaesth 2020;125(5):750-761, Fig 1",
      .doi = "10.1016/j.bja.2020.06.067",
      .source = std::string(digitised) + ", kamp_*.csv and README.md",
      .licence = "MIT (the digitised files)",
      .site = Site::arterial,
      .site_source = "arterial lines, as recorded in the literature review behind this library",
      .n = 20,
      .population = "healthy volunteers; men, if this is the trial of Kamp 2021",
      .given = "three rates of 60 min each, doubling, from 0 to 180 min: " + to_text(mg_per_kg_per_h[0]) + ", " +
               to_text(mg_per_kg_per_h[1]) + " and " + to_text(mg_per_kg_per_h[2]) +
               " mg/kg/h (rates from Olofsen 2021, PMC8258972, as the digitised files cite it)",
      .person = somebody(70, 40),
      .assumed = "adults of 70 kg and 40 yr, not Asian: neither weight nor age of the mean subject was seen",
      .order = order_of(analyte, std::move(inputs)),
      .in_sample_for = {{"kamp2020", Molecule::ketamine, InSample::likely, why},
                        {"kamp2020-linear", Molecule::ketamine, InSample::likely, why}},
      .caveats = {"Read from a figure; there is no printed value to hold the reading against.",
                  "The header of the digitised files says 0.5 mg/kg; their README and Olofsen 2021 say the three "
                  "steps that stand here.",
                  "Instants at a change of rate, and 5 and 10 min after one, are left out of the summaries. That is "
                  "the set of instants that reproduces the review's figures; 3.0 h, the end of the infusion, is "
                  "kept in it."}};
}

[[nodiscard]] inline Observations kamp_racemic() {
  Observations o = kamp("kamp2020bja-racemic", "Kamp 2020 (BJA), racemic, 3 steps over 3 h", Analyte::racemic_ketamine,
                        {0.28, 0.57, 1.14});
  o.series = {kamp_series(Substance::s_ketamine, 'b', 0.05,
                          {0.0731, 0.1137, 0.1929, 0.2152, 0.2701, 0.4294, 0.4914, 0.5239, 0.7675, 0.9421, 1.0457,
                           0.9452, 0.6162, 0.4102, 0.333, 0.2467}),
              kamp_series(Substance::r_ketamine, 'c', 0.15,
                          {0.0792, 0.1452, 0.2112, 0.2426, 0.3959, 0.4822, 0.5411, 0.597, 0.8731, 1.0203, 1.1492, 0.801,
                           0.5716, 0.4609, 0.3635, 0.2701}),
              kamp_series(Substance::s_norketamine, 'e', 0.05,
                          {0, 0.0133, 0.0426, 0.0702, 0.1102, 0.1786, 0.2416, 0.2878, 0.3269, 0.4761, 0.6272, 0.7231,
                           0.6911, 0.6431, 0.5881, 0.5294}),
              kamp_series(Substance::r_norketamine, 'f', 0.15,
                          {0, 0.024, 0.0515, 0.0915, 0.1386, 0.2239, 0.2807, 0.3642, 0.4113, 0.5525, 0.7586, 0.8217,
                           0.7675, 0.7409, 0.6734, 0.6041}),
              kamp_series(Substance::hydroxynorketamine, 'j', 0.15,
                          {0, 0.0022, 0.0067, 0.0136, 0.0222, 0.0393, 0.052, 0.0698, 0.0879, 0.1332, 0.1764, 0.2081,
                           0.2018, 0.217, 0.2164, 0.2157}),
              kamp_series(Substance::s_dehydronorketamine, 'h', 0.05,
                          {0, 0.0005, 0.0018, 0.0038, 0.0061, 0.0109, 0.0152, 0.0193, 0.0218, 0.031, 0.0439, 0.0492,
                           0.0504, 0.056, 0.0561, 0.0563}),
              kamp_series(Substance::r_dehydronorketamine, 'i', 0.15,
                          {0, 0.0014, 0.0028, 0.0071, 0.0124, 0.0211, 0.0272, 0.0363, 0.0414, 0.0552, 0.0756, 0.086,
                           0.0924, 0.1023, 0.1015, 0.1})};
  o.caveats.emplace_back(
      "The reader puts the R-enantiomers and the total of hydroxynorketamine at +/-15 %, the S-enantiomers at +/-5 %.");
  return o;
}

[[nodiscard]] inline Observations kamp_esketamine() {
  Observations o = kamp("kamp2020bja-esketamine", "Kamp 2020 (BJA), esketamine, 3 steps over 3 h", Analyte::s_ketamine,
                        {0.14, 0.28, 0.57});
  o.series = {kamp_series(Substance::s_ketamine, 'a', 0.05,
                          {0.0711, 0.1279, 0.1888, 0.2223, 0.3208, 0.4355, 0.4812, 0.536, 0.8152, 0.9137, 1.0335,
                           0.7604, 0.5289, 0.4102, 0.3269, 0.2406}),
              kamp_series(Substance::s_norketamine, 'd', 0.05,
                          {0, 0.0178, 0.0462, 0.0773, 0.1137, 0.1865, 0.2434, 0.3038, 0.3411, 0.4975, 0.6396, 0.7329,
                           0.6956, 0.6538, 0.597, 0.5383})};
  return o;
}

// Otto 2021 -----------------------------------------------------------------------------------------------------------

[[nodiscard]] inline Observations otto() {
  constexpr std::array<double, 8> at{0.5, 1, 2, 3, 5, 6, 8, 10};
  const auto read = [&](Substance substance, const std::string& figure, const std::array<double, 8>& values) {
    return series({substance, ObservedUnit::ng_per_mL, "medians digitised from " + figure + ", log axis", 0.10}, at,
                  values, nothing_left_out);
  };
  return {
      .id = "otto2021-chdr1311",
      .label = "Otto 2021 CHDR1311, 10 mg S-ketamine over 30 min",
      .short_label = "Otto curve",
      .paper = "Otto ME et al. Eur J Clin Pharmacol 2021;77(8):1181-1192, Figs 3b and 4b",
      .doi = "10.1007/s00228-021-03104-1",
      .source = "nlmixr2lib, vignette Otto_2021_s_ketamine",
      .licence =
          "GPL (>= 2), by the DESCRIPTION of nlmixr2lib that was seen; numbers read from a figure, quoted as facts",
      .site = Site::venous,
      .site_source = "Otto 2021 Table 1, as the vignette cites it",
      .n = 17,
      .population = "healthy volunteers, 9 of 17 men, 23.0 (SD 3.6) yr",
      .weight = "68.0 (SD 7.2) kg",
      .given = "10 mg S-ketamine over 30 min",
      .person = somebody(68, 23),
      .assumed = "not Asian; weight and age are the printed means",
      .is_age_printed = true,
      .order = order_of(Analyte::s_ketamine, {Infuse{.amount = {10.0, unit::mg}, .over = std::chrono::minutes{30}}}),
      .series = {read(Substance::s_ketamine, "Fig 3b", {56, 27, 15.5, 11.5, 6.0, 4.2, 2.5, 1.8}),
                 read(Substance::s_norketamine, "Fig 4b", {10, 23, 20, 16, 12, 11, 8, 6.5})},
      .in_sample_for = {{"otto2021", Molecule::ketamine, InSample::chosen_on_it,
                         "the typical values are those of Fanta 2015, kept because they predicted these data best "
                         "of five models"},
                        {"otto2021", Molecule::norketamine, InSample::certain,
                         "the part for S-norketamine was estimated on these data"}},
      .caveats = {"The last instants lie near the limit of quantification of 1.00 ng/mL for S-ketamine.",
                  "Whether Kamp 2020 pooled these data was not seen."}};
}

// Hasan 2021 ----------------------------------------------------------------------------------------------------------

[[nodiscard]] inline Observations hasan(std::string id, std::string label, std::string short_label) {
  return {.id = std::move(id),
          .label = std::move(label),
          .short_label = std::move(short_label),
          .paper =
              "Hasan M et al. Chiral Pharmacokinetics and Metabolite Profile of Prolonged-release Ketamine Tablets "
              "in Healthy Human Subjects. Anesthesiology 2021;135(2):326-339",
          .doi = "10.1097/ALN.0000000000003829",
          .source = std::string(digitised) + ", hasan*.csv",
          .licence = "MIT (the digitised files)",
          .site = Site::venous,
          .site_source = "third-party transcription; the paper's own words were not seen. Serum, not plasma",
          .n = 15,
          .population = "healthy white volunteers",
          .given = "5 mg racemic ketamine over 30 min",
          .person = somebody(70, 40),
          .assumed = "adults of 70 kg and 40 yr: neither weight nor age of the mean subject was seen",
          .order = order_of(Analyte::racemic_ketamine,
                            {Infuse{.amount = {5.0, unit::mg}, .over = std::chrono::minutes{30}}})};
}

[[nodiscard]] inline Observations hasan_cmax() {
  Observations o = hasan("hasan2021-cmax", "Hasan 2021, peaks of Table 1, 5 mg over 30 min", "Hasan peak");
  const auto peak = [](Substance substance, double mean, double sd) {
    return ObservedSeries{.substance = substance,
                          .unit = ObservedUnit::ng_per_mL,
                          .reading = "Table 1, mean of the individual maxima, taken to lie at the end of the infusion",
                          .points = {{.at = std::chrono::minutes{30}, .value = mean, .sd = sd}}};
  };
  o.series = {peak(Substance::s_ketamine, 15.6, 4.5), peak(Substance::r_ketamine, 16.5, 4.9)};
  o.reported = {{"AUC ratio hydroxynorketamine / ketamine, S", 1.7, "1", "SD 0.8; 2,6-hydroxynorketamine"},
                {"AUC ratio hydroxynorketamine / ketamine, R", 3.1, "1", "SD 1.4; 2,6-hydroxynorketamine"},
                {"metabolic clearance of S-ketamine", 1620, "mL/min", "SD 380"},
                {"metabolic clearance of R-ketamine", 1530, "mL/min", "SD 380"}};
  o.caveats = {"A mean of individual maxima lies at or above the maximum of the mean curve."};
  return o;
}

[[nodiscard]] inline Observations hasan_decay() {
  Observations o = hasan("hasan2021-decay", "Hasan 2021, decay of Fig 1, 5 mg over 30 min", "Hasan decay");
  constexpr std::array<double, 9> at{0.5, 1, 2, 4, 6, 8, 12, 16, 24};
  const auto left_out = [](Micros t) -> std::string {
    if (t == std::chrono::minutes{30}) return "the apex is read 10 to 30 % too low; Table 1 has it";
    if (t > std::chrono::hours{8}) return "on the pixel floor of the figure";
    return {};
  };
  const auto read = [&](Substance substance, const std::array<double, 9>& values) {
    return series({substance, ObservedUnit::ng_per_mL, "Fig 1, the line of the mean read pixel by pixel", std::nullopt},
                  at, values, left_out);
  };
  o.series = {read(Substance::s_ketamine, {11.1392, 6.519, 3.2911, 1.6456, 0.8861, 0.5063, 0.3797, 0.3165, 0.2532}),
              read(Substance::r_ketamine, {12.5633, 6.519, 3.5443, 1.8354, 0.9494, 0.5696, 0.4114, 0.3165, 0.2532})};
  o.caveats = {"The reader calls the decay reliable and the apex too low; no error is stated for the decay."};
  return o;
}

// Simons 2022 ---------------------------------------------------------------------------------------------------------

[[nodiscard]] inline Observations simons() {
  const auto peak = [](double mean, double low, double high, const std::string& film) {
    return ObservedPoint{
        .at = std::chrono::minutes{20}, .value = mean, .note = "after a film of " + film, .low = low, .high = high};
  };
  return {
      .id = "simons2022-cmax",
      .label = "Simons 2022, peaks after 20 mg S-ketamine over 20 min",
      .short_label = "Simons peak",
      .paper = "Simons P et al. Front Pain Res 2022, and the thesis it is a chapter of",
      .doi = "10.3389/fpain.2022.946486",
      .source = "publicatie-online.nl/uploaded/flipbook/174076-Pieter-Simons/33",
      .licence = std::string(quoted),
      .site = Site::arterial,
      .site_source = "radial artery, the same thesis, page 28",
      .n = 20,
      .population = "healthy volunteers, 10 of 20 women, 19 to 32 yr",
      .weight = "73 (53 to 93) kg",
      .given = "20 mg S-ketamine over 20 min, 6 h after an oral film of 50 or 100 mg",
      .person = somebody(73, 25),
      .assumed = "age 25 yr, within the range printed, and not Asian",
      .is_age_printed = true,
      .order = order_of(Analyte::s_ketamine, {Infuse{.amount = {20.0, unit::mg}, .over = std::chrono::minutes{20}}}),
      .series = {{.substance = Substance::s_ketamine,
                  .unit = ObservedUnit::ng_per_mL,
                  .reading = "printed means of the maxima, taken to lie at the end of the infusion",
                  .points = {peak(273, 259, 287, "50 mg"), peak(260, 251, 269, "100 mg")}}},
      .in_sample_for = {{"simons2022", Molecule::ketamine, InSample::certain, "the card was estimated on these data"}},
      .caveats = {"What was left of the film after 6 h is not in the prediction.",
                  "The same people twice: two numbers, not two samples."}};
}

// One number each -----------------------------------------------------------------------------------------------------

inline constexpr std::string_view zanos =
    "Zanos 2018 Table 1, https://pmc.ncbi.nlm.nih.gov/articles/PMC6020109/table/T1";

[[nodiscard]] inline Order protocol() {
  return order_of(Analyte::racemic_ketamine,
                  {Infuse{.amount = {0.5, unit::mg_per_kg}, .over = std::chrono::minutes{40}}});
}

[[nodiscard]] inline Observations zarate() {
  return {.id = "zarate2006-peak",
          .label = "Zarate 2006 through a review, 0.5 mg/kg over 40 min",
          .short_label = "Zarate peak",
          .paper = "Zarate CA et al. 2006, as tabulated in Zanos P et al. Pharmacol Rev 2018;70(3):621",
          .doi = "not-stated",
          .source = std::string(zanos),
          .licence = std::string(quoted),
          .site = Site::not_stated,
          .site_source = "the table does not say",
          .given = "0.5 mg/kg over 40 min",
          .person = somebody(70, 40),
          .assumed = "an adult of 70 kg and 40 yr: neither weight nor age stands in the table",
          .order = protocol(),
          .series = {{.substance = Substance::ketamine,
                      .unit = ObservedUnit::ng_per_mL,
                      .reading = "one number of a review's table, taken to lie at the end of the infusion; no n, no SD",
                      .points = {{.at = std::chrono::minutes{40}, .value = 185}}}},
          .caveats = {"The original paper was not seen."}};
}

[[nodiscard]] inline Observations krystal() {
  return {.id = "krystal1994-range",
          .label = "Krystal 1994 through a review, 0.5 mg/kg over 40 min",
          .short_label = "Krystal",
          .paper = "Krystal JH et al. 1994, as tabulated in Zanos P et al. Pharmacol Rev 2018;70(3):621",
          .doi = "not-stated",
          .source = std::string(zanos),
          .licence = std::string(quoted),
          .site = Site::not_stated,
          .site_source = "the table does not say",
          .given = "0.5 mg/kg over 40 min",
          .reported = {{"peak, lower end of the range that goes with dissociation", 100, "ng/mL", ""},
                       {"peak, upper end of that range", 250, "ng/mL", ""}},
          .not_judged_by = "a range of 2.5 to 1 admits most models and says nothing about any",
          .not_run = "a range, not an observation"};
}

[[nodiscard]] inline Observations phar2669() {
  return {.id = "phar2669-10mg",
          .label = "Pharmacotherapy 2022;42:298, 10 mg intravenously",
          .short_label = "phar2669",
          .paper = "Pharmacotherapy 2022;42(4):298-310, Table 6",
          .doi = "10.1002/phar.2669",
          .source = "https://pmc.ncbi.nlm.nih.gov/articles/PMC9118341/table/T6",
          .licence = std::string(quoted),
          .site = Site::not_stated,
          .site_source = "the table does not say",
          .n = 9,
          .given = "10 mg ketamine intravenously; how fast does not stand in the table (the peak is at 2 min)",
          .reported = {{"peak of ketamine", 296, "ng/mL", "geometric mean, geometric SD 1.71; at 2 min"},
                       {"AUC of ketamine", 113, "mcg h/L", ""},
                       {"peak of norketamine", 2.8, "ng/mL", "geometric SD 1.86; at 30 min",
                        "the same row prints 2.7 per mg and a ratio of 0.089, which fit 26 to 28 ng/mL, not 2.8"},
                       {"AUC of norketamine", 22, "mcg h/L", "", "of the row whose peak contradicts itself"}},
          .caveats = {"The AUC hangs on the clearance alone: 10 mg / 113 mcg h/L is 88 L/h."},
          .not_judged_by = "the duration of the injection is not known, and a peak at 2 min hangs on it",
          .not_run = "the duration of the injection is not known"};
}

[[nodiscard]] inline Observations idvall() {
  return {.id = "idvall1979",
          .label = "Idvall 1979, anaesthesia by infusion",
          .short_label = "Idvall",
          .paper = "Idvall J et al. Br J Anaesth 1979;51(12):1167-1173",
          .doi = "10.1093/bja/51.12.1167",
          .source = "abstract of the paper, publisher's page and PubMed",
          .licence = std::string(quoted),
          .site = Site::not_stated,
          .site_source = "the abstract does not say",
          .n = 31,
          .population = "patients under anaesthesia with nitrous oxide",
          .given = "2 mg/kg, then on average 41 (SD 21) mcg/kg/min, less as anaesthesia went on",
          .reported = {{"plateau of ketamine", 9.3, "umol/L", "SD 0.8; 2,211 ng/mL"},
                       {"ketamine at recovery", 2.7, "umol/L", "SD 0.9; 642 ng/mL"},
                       {"largest concentration of norketamine", 4.7, "umol/L", "SD 2.4"},
                       {"largest concentration of dehydronorketamine", 3.2, "umol/L", "SD 1.9"},
                       {"half-life of ketamine", 79, "min", "SD 8"}},
          .not_judged_by = "an anaesthetic range, given to effect",
          .not_run = "the rate was changed to effect and its course does not stand in the abstract"};
}

[[nodiscard]] inline Observations icu() {
  return {.id = "icu-analgosedation",
          .label = "Intensive care, three days of infusion",
          .short_label = "ICU",
          .paper =
              "Effects of enzyme induction, renal and cardiac function on ketamine plasma kinetics in patients with "
              "ketamine long-term analgosedation. Eur J Drug Metab Pharmacokinet",
          .doi = "not-stated",
          .source = "abstract at discovery.researcher.life",
          .licence = std::string(quoted),
          .site = Site::not_stated,
          .site_source = "the abstract does not say",
          .n = 9,
          .population = "intensive-care patients whose liver and kidneys worked",
          .given = "1.1 to 1.3 mg/kg/h for 3 days",
          .reported = {{"steady state of ketamine", 1.2, "mcg/mL", "SD 0.3"},
                       {"steady state of norketamine", 1.0, "mcg/mL", "SD 0.6"},
                       {"steady state of dehydronorketamine", 2.6, "mcg/mL", "SD 1.0"}},
          .caveats = {"Steady state is rate / clearance: 1.2 mg/kg/h at 70 kg over 1.2 mg/L is 70 L/h."},
          .not_judged_by = "intensive-care patients, and a range of rates",
          .not_run = "the rate is a range"};
}

[[nodiscard]] inline Observations bowdle() {
  return {.id = "bowdle1998",
          .label = "Bowdle 1998, targets of a computer-controlled infusion",
          .short_label = "Bowdle",
          .paper = "Bowdle TA et al. Anesthesiology 1998;88(1):82-88",
          .doi = "10.1097/00000542-199801000-00015",
          .source = "abstract of the paper",
          .licence = std::string(quoted),
          .site = Site::venous,
          .site_source = "peripheral venous, the abstract",
          .n = 10,
          .population = "psychiatrically healthy volunteers",
          .given = "targets of 50, 100, 150 and 200 ng/mL for 30 min each, sampled at 28 min",
          .reported = {{"correlation of mean concentrations with the targets", 0.997, "1", ""}},
          .not_judged_by = "no concentration is printed in what was seen",
          .not_run = "what the pump gave does not stand in the abstract"};
}

[[nodiscard]] inline Observations langsjo() {
  return {.id = "langsjo2005",
          .label = "Langsjo 2005, targets of S-ketamine",
          .short_label = "Langsjo",
          .paper = "Langsjo JW et al. Anesthesiology 2005;103(2):258-268",
          .doi = "10.1097/00000542-200508000-00008",
          .source = "abstract of the paper",
          .licence = std::string(quoted),
          .site = Site::not_stated,
          .site_source = "the abstract says serum, not from where",
          .n = 8,
          .population = "healthy men",
          .given = "S-ketamine to targets of 150 and of 1,500 to 2,000 ng/mL",
          .reported = {{"S-ketamine at the target of 150 ng/mL", 159, "ng/mL", "SD 21"},
                       {"S-ketamine at the target of 1,500 to 2,000 ng/mL", 1959, "ng/mL", "SD 442"}},
          .not_judged_by = "a target is held by a model of its own",
          .not_run = "what the pump gave does not stand in the abstract"};
}

// Suspect -------------------------------------------------------------------------------------------------------------

[[nodiscard]] inline Observations xie() {
  using std::chrono::seconds;
  Observations o{
      .id = "xie2003-biogears",
      .label = "Xie 2003 as BioGears has it, 39 mg over 20 s",
      .short_label = "Xie curve",
      .paper = "Xie 2003, as cited by BioGears",
      .doi = "not-stated",
      .source = "github.com/BioGearsEngine/core, share/doc/validation/Pharmacokinetic/Ketamine.csv",
      .licence = "Apache-2.0 (the file)",
      .site = Site::not_stated,
      .site_source = "the file does not say",
      .given = "39 mg over 20 s, the scenario that goes with the file",
      .person = somebody(70, 40),
      .assumed = "an adult of 70 kg and 40 yr: neither weight nor age was seen",
      .order = order_of(Analyte::racemic_ketamine, {Infuse{.amount = {39.0, unit::mg}, .over = seconds{20}}}),
      .caveats = {"The paper was not seen."},
      .not_judged_by =
          "suspect: every model lies two to four times lower over most of it, and from 20 min on the mean "
          "lies below the file's own lower SD"};
  ObservedSeries series{.substance = Substance::ketamine,
                        .unit = ObservedUnit::ng_per_mL,
                        .reading = "the file's own numbers; how they were read is not stated",
                        .points = {}};
  constexpr std::array<double, 8> at_s{89.4, 354, 648, 1232, 1815, 3597, 5416, 7199};
  constexpr std::array<double, 8> values{1910.7, 937.7, 598.6, 438.3, 340.4, 243.3, 190.9, 138.4};
  for (std::size_t i = 0; i < at_s.size(); ++i)
    series.points.push_back({.at = Micros{std::llround(at_s[i] * 1e6)}, .value = values[i]});
  o.series = {std::move(series)};
  return o;
}

}  // namespace detail

/// The data sets by their ids. One is made when it is asked for; nothing is kept.
inline constexpr std::array<std::pair<std::string_view, Observations (*)()>, 14> shelf{
    {{"kamp2020bja-racemic", detail::kamp_racemic},
     {"kamp2020bja-esketamine", detail::kamp_esketamine},
     {"otto2021-chdr1311", detail::otto},
     {"hasan2021-cmax", detail::hasan_cmax},
     {"hasan2021-decay", detail::hasan_decay},
     {"simons2022-cmax", detail::simons},
     {"zarate2006-peak", detail::zarate},
     {"krystal1994-range", detail::krystal},
     {"phar2669-10mg", detail::phar2669},
     {"idvall1979", detail::idvall},
     {"icu-analgosedation", detail::icu},
     {"bowdle1998", detail::bowdle},
     {"langsjo2005", detail::langsjo},
     {"xie2003-biogears", detail::xie}}};

/// All data sets.
[[nodiscard]] inline std::vector<Observations> data_sets() {
  std::vector<Observations> all;
  all.reserve(shelf.size());
  for (const auto& [id, make] : shelf) all.push_back(make());
  return all;
}

/// The data set called `wanted`. Throws E_RANGE(data), naming the ids there are.
[[nodiscard]] inline Observations find(std::string_view wanted) {
  std::string ids;
  for (const auto& [id, make] : shelf) {
    if (id == wanted) return make();
    ids += (ids.empty() ? "" : ", ") + std::string(id);
  }
  throw InvalidInput(Code::range, "data", "no data set of that name; accepted: " + ids);
}

}  // namespace observed
}  // namespace ketpk
