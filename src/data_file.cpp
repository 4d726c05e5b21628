// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "ketpk/io.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/report.hpp"
#include "strict_csv.hpp"

namespace ketpk::io {
namespace {

enum class Column : std::uint8_t { id, time, amt, rate, dur, evid, cmt, addl, ii, ss, mdv, dv };
constexpr std::array<std::string_view, 12> column_names{"ID",  "TIME", "AMT", "RATE", "DUR", "EVID",
                                                        "CMT", "ADDL", "II",  "SS",   "MDV", "DV"};
constexpr std::string_view name_of(Column column) { return column_names[static_cast<std::size_t>(column)]; }

/// What other programs and people call a column that is called otherwise here.
struct OtherName {
  std::string_view name;
  Column means;
};
constexpr std::array<OtherName, 24> other_names{{
    {"AMOUNT", Column::amt},   {"DOSE", Column::amt},        {"INFRATE", Column::rate}, {"RATEINF", Column::rate},
    {"DURATION", Column::dur}, {"DURN", Column::dur},        {"TINF", Column::dur},     {"INFDUR", Column::dur},
    {"DURINF", Column::dur},   {"EVENT", Column::evid},      {"EVTYPE", Column::evid},  {"EVENTID", Column::evid},
    {"COMP", Column::cmt},     {"COMPARTMENT", Column::cmt}, {"CMPT", Column::cmt},     {"ADM", Column::cmt},
    {"ADMID", Column::cmt},    {"ADDITIONAL", Column::addl}, {"NDOSES", Column::addl},  {"TAU", Column::ii},
    {"INTERVAL", Column::ii},  {"STEADYSTATE", Column::ss},  {"SSFLAG", Column::ss},    {"STEADY", Column::ss},
}};

constexpr std::array<std::string_view, 15> time_words{"S",   "SEC",  "M",     "MIN", "MINS", "MINUTES", "H", "HR",
                                                      "HRS", "HOUR", "HOURS", "D",   "DAY",  "DAYS",    "US"};
constexpr std::array<std::string_view, 6> drug_words{"MG", "MCG", "UG", "G", "MGKG", "MCGKG"};
constexpr std::array<std::string_view, 8> rate_words{"MGH",    "MGHR", "MGMIN", "MCGH",
                                                     "MCGMIN", "MLH",  "MGKGH", "MCGKGMIN"};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return lower(c); });
  return text;
}

/// The letters and digits of `name` in capitals, up to a bracket: `TIME` of `time (h)`.
std::string folded(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, name.find_first_of("([{"))) {
    const char u = upper(c);
    if ((u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || static_cast<unsigned char>(u) >= 0x80) text += u;
  }
  return text;
}

bool is_swapped(std::string_view text, std::string_view name) {
  if (text.size() != name.size()) return false;
  const auto [a, b] = std::mismatch(text.begin(), text.end(), name.begin());
  if (text.end() - a < 2) return false;
  return a[0] == b[1] && a[1] == b[0] && std::equal(a + 2, text.end(), b + 2);
}

/// Whether a column called `text`, folded, must have been meant for `column`.
bool is_slip_for(std::string_view text, Column column) {
  const std::string_view name = name_of(column);
  if (text == name) return true;
  if (name.size() >= 4 && text.size() >= 3 && (name.starts_with(text) || is_swapped(text, name))) return true;
  if (!text.starts_with(name)) return false;
  const std::string_view rest = text.substr(name.size());
  const auto in = [&](const auto& words) { return std::find(words.begin(), words.end(), rest) != words.end(); };
  switch (column) {
    case Column::time:
    case Column::dur:
    case Column::ii: return in(time_words);
    case Column::amt: return rest == "S" || in(drug_words);
    case Column::rate: return rest == "S" || in(rate_words);
    default: return false;
  }
}

bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c < 0x20 || c == 0x7F || c1) return true;
  }
  return false;
}

/// Where the columns stand.
struct Layout {
  std::array<std::optional<std::size_t>, column_names.size()> known = {};
  std::vector<std::size_t> covariates = {};
  std::vector<std::string> ignored = {};

  [[nodiscard]] std::optional<std::size_t> at(Column column) const { return known[static_cast<std::size_t>(column)]; }
  /// Whether the file says what `column` would say: a rate says how long, and a duration says how fast.
  [[nodiscard]] bool says(Column column) const {
    const bool speed = column == Column::rate || column == Column::dur;
    return at(column) || (speed && (at(Column::rate) || at(Column::dur)));
  }
};

/// The header, and what the columns are called in `text` from here on.
Layout read_header(CsvText& text, const CsvRow& header, const DataFormat& format) {
  const auto place = [&](const std::string& column) { return place_of(text, 1) + " column " + column; };
  const auto refuse = [](Code code, const std::string& where, const std::string& message) {
    throw InvalidInput(code, where, message);
  };
  const auto& fields = header.fields;
  const auto stands = [&](std::string_view name) {
    return std::find(fields.begin(), fields.end(), name) != fields.end();
  };
  const bool small = stands("id") && !stands("ID");
  const auto spelled = [small](std::string_view name) { return small ? lower(name) : std::string(name); };
  std::vector<std::string> wanted;
  wanted.reserve(column_names.size() + format.covariates.size());
  for (const std::string_view name : column_names) wanted.push_back(spelled(name));
  for (const std::string& name : format.covariates) wanted.push_back(spelled(name));

  std::vector<std::optional<std::size_t>> found(wanted.size());
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    text.columns.push_back(std::to_string(i + 1));
    const auto which = std::find(wanted.begin(), wanted.end(), fields[i]);
    if (which == wanted.end()) {
      others.push_back(i);
      continue;
    }
    text.columns.back() = *which;
    auto& stands_at = found[static_cast<std::size_t>(which - wanted.begin())];
    if (stands_at) refuse(Code::field_duplicate, place(*which), "stands twice; accepted: each column once");
    stands_at = i;
  }

  Layout layout;
  std::copy_n(found.begin(), column_names.size(), layout.known.begin());
  std::unordered_set<std::string_view> seen;
  for (const std::size_t i : others) {
    const std::string_view name = fields[i];
    const auto close_to = [&](const std::string& right) {
      refuse(Code::columns, place_of(text, 1, i),
             "close to a column that means something, but not its name; accepted: " + right +
                 ", without a unit, which the model file states");
    };
    if (name.empty()) refuse(Code::columns, place_of(text, 1, i), "no name; accepted: a name for each column");
    if (name.size() > most_text_bytes)
      refuse(Code::size, place_of(text, 1, i), "too long a name; accepted: up to 1000 bytes");
    if (has_control_character(name))
      refuse(Code::encoding, place_of(text, 1, i), "a control character; accepted: printable text in one line");
    const std::string plain = folded(name);
    for (std::size_t c = 0; c < column_names.size(); ++c)
      if (is_slip_for(plain, static_cast<Column>(c))) close_to(wanted[c]);
    for (std::size_t c = column_names.size(); c < wanted.size(); ++c)
      if (!plain.empty() && plain == folded(wanted[c])) close_to(wanted[c]);
    for (const OtherName& other : other_names)
      if (plain == other.name && !layout.says(other.means)) close_to(spelled(name_of(other.means)));
    if (!seen.insert(name).second)
      refuse(Code::field_duplicate, place_of(text, 1, i), "stands twice; accepted: each column once");
    layout.ignored.emplace_back(name);
  }

  const auto due = [&](std::size_t c) {
    if (!found[c])
      refuse(Code::columns, place(wanted[c]), "not there; accepted: a header with commas, ID, TIME and the covariates");
    return *found[c];
  };
  (void)due(static_cast<std::size_t>(Column::id));
  (void)due(static_cast<std::size_t>(Column::time));
  for (std::size_t c = column_names.size(); c < wanted.size(); ++c) layout.covariates.push_back(due(c));
  return layout;
}

/// A data file as it is read.
struct Reading {
  const DataFormat& format;
  CsvText text;
  Layout layout = {};
  CsvRow row = {};

  /// What a column is called in refusals, also one that is not there.
  [[nodiscard]] std::string place(Column column) const {
    const auto at = layout.at(column);
    return at ? place_of(text, row.line, *at) : place_of(text, row.line) + " column " + std::string(name_of(column));
  }
  [[noreturn]] void refuse(Column column, Code code, const char* message) const {
    throw InvalidInput(code, place(column), message);
  }
  void need(bool holds, Column column, const char* message) const {
    if (!holds) refuse(column, Code::range, message);
  }

  /// Whether a field is missing. Throws E_FIELD_MISSING for other ways of saying so.
  [[nodiscard]] bool is_missing(std::size_t at) const {
    const std::string_view field = row.fields[at];
    if (field == "NA" || field == "-")
      throw InvalidInput(Code::field_missing, place_of(text, row.line, at),
                         "not a value; accepted: a value, or where the record needs none an empty field or a point");
    return field.empty() || field == ".";
  }
  [[nodiscard]] double number_at(std::size_t at) const {
    try {
      return parse_number(row.fields[at], "");
    } catch (const InvalidInput& e) {  // the place is put together only where it is needed
      throw InvalidInput(e.code, place_of(text, row.line, at), e.message);
    }
  }
  /// The number in `column`, none where it is missing or the file has no such column.
  [[nodiscard]] std::optional<double> number(Column column) const {
    const auto at = layout.at(column);
    if (!at || is_missing(*at)) return std::nullopt;
    return number_at(*at);
  }
  /// Throws E_COLUMNS where the file has no such column, E_FIELD_MISSING where the value is missing.
  void refuse_absent(Column column, const char* message) const {
    refuse(column, layout.at(column) ? Code::field_missing : Code::columns, message);
  }
  /// A whole number from 0 to `most`, or none.
  [[nodiscard]] std::optional<std::size_t> count(Column column, std::size_t most, const char* message) const {
    const auto x = number(column);
    if (!x) return std::nullopt;
    need(*x >= 0 && *x <= static_cast<double>(most) && *x == std::trunc(*x), column, message);
    return static_cast<std::size_t>(*x);
  }
};

/// `x` of the file's unit of time in microseconds, unrounded: 1 unit = num / den min, and den divides 6e7.
double micros_in(double x, const DataUnits& units) { return x * units.time.num * (micros_per_minute / units.time.den); }

constexpr double most_micros = static_cast<double>(horizon_limit.count());

Micros time_of(const Reading& r) {
  const auto x = r.number(Column::time);
  if (!x) r.refuse_absent(Column::time, "missing; accepted: a number on each record");
  const double us = micros_in(*x, r.format.units);
  r.need(us >= -most_micros && us <= most_micros, Column::time, "not within 400 d; accepted: -400 d to 400 d");
  return Micros{static_cast<std::int64_t>(std::round(us))};
}

/// A time span that is stated and not 0.
Micros span_of(const Reading& r, Column column, double x) {
  const double us = micros_in(x, r.format.units);
  r.need(us > 0 && us <= most_micros, column, "not a time span above 0; accepted: up to 400 d");
  const Micros span{static_cast<std::int64_t>(std::round(us))};
  r.need(span.count() > 0, column, "shorter than one microsecond; accepted: whole microseconds");
  return span;
}

std::string id_of(const Reading& r) {
  const std::size_t at = *r.layout.at(Column::id);
  if (r.is_missing(at)) r.refuse(Column::id, Code::field_missing, "missing; accepted: a text on each record");
  const std::string_view id = r.row.fields[at];
  if (id.size() > most_id_bytes) r.refuse(Column::id, Code::size, "too long; accepted: up to 64 bytes");
  std::string tabless(id);
  std::erase(tabless, '\t');
  if (has_control_character(tabless))
    r.refuse(Column::id, Code::encoding, "a control character; accepted: printable text in one line");
  if (id.front() == ' ' || id.back() == ' ')
    r.refuse(Column::id, Code::parse, "a blank at an end; accepted: no blank ahead or behind");
  return std::string(id);
}

/// The compartment that CMT says, if it says one.
std::optional<std::size_t> compartment_of(const Reading& r, bool gives_dose) {
  const auto at = r.layout.at(Column::cmt);
  if (!at || r.is_missing(*at)) return std::nullopt;
  const auto& names = r.format.compartments;
  const auto named = std::find(names.begin(), names.end(), r.row.fields[*at]);
  if (named != names.end()) return static_cast<std::size_t>(named - names.begin());
  constexpr const char* unknown = "no such compartment; accepted: its number from 1, or its name";
  if (detail::json_number_length(r.row.fields[*at]) != r.row.fields[*at].size())
    r.refuse(Column::cmt, Code::parse, unknown);
  const double x = r.number_at(*at);
  if (!gives_dose && x == 0) return std::nullopt;
  r.need(x >= 1 && x <= static_cast<double>(names.size()) && x == std::trunc(x), Column::cmt, unknown);
  return static_cast<std::size_t>(x) - 1;
}

/// Throws E_RANGE where a record that gives nothing says how it is given.
void check_gives_nothing(const Reading& r) {
  for (const Column column : {Column::amt, Column::rate, Column::dur, Column::addl, Column::ii, Column::ss})
    r.need(r.number(column).value_or(0) == 0, column,
           "of a dose, on a record that gives none; accepted: 0 or missing, or EVID 1 or 4");
}

std::size_t dosed_compartment(const Reading& r) {
  const auto stated = compartment_of(r, true);
  const auto& names = r.format.compartments;
  const bool one_way = names.size() == 1 || (!r.layout.at(Column::cmt) && names.front() == "central");
  if (!stated && !one_way)
    r.refuse_absent(Column::cmt, "missing on a dose; accepted: the number from 1, or the name, of a compartment");
  return stated.value_or(0);
}

/// The rate of a dose [mg/min]. An infusion of `amount_mg` must not last longer than 400 d, nor less than 1 us.
double rate_in(const Reading& r, double x, double amount_mg) {
  const DataUnits& u = r.format.units;
  const double mg_per_min = detail::scaled(x, u.amount.num * u.time.den, u.amount.den * u.time.num);
  r.need(std::isfinite(mg_per_min) && mg_per_min > 0, Column::rate, "beyond what can be held; accepted: a rate");
  const double us = amount_mg / mg_per_min * micros_per_minute;
  r.need(amount_mg == 0 || (us >= 0.5 && us <= most_micros), Column::rate,
         "an infusion that lasts too short or too long; accepted: AMT / RATE from 1 us to 400 d");
  return mg_per_min;
}

RecordDose dose_of(const Reading& r) {
  RecordDose dose;
  dose.compartment = dosed_compartment(r);
  const auto ss = r.count(Column::ss, 2, "not a kind of steady state; accepted: 0, 1 or 2");
  dose.steady_state = static_cast<SteadyState>(ss.value_or(0));
  const bool steady = dose.steady_state != SteadyState::none;
  const double rate = r.number(Column::rate).value_or(0), over = r.number(Column::dur).value_or(0);
  r.need(rate >= 0 || rate == -1 || rate == -2, Column::rate,
         "not a rate; accepted: 0 or missing, more than 0, -1 or -2");
  r.need(over >= 0, Column::dur, "not a duration; accepted: 0 or missing, or more than 0");
  r.need(rate == 0 || over == 0, Column::dur, "beside a rate; accepted: one of RATE and DUR, the other 0 or missing");

  const auto amount = r.number(Column::amt);
  const bool constant = steady && (rate > 0 || rate == -1) && amount.value_or(0) == 0;
  if (!amount && !constant) r.refuse_absent(Column::amt, "missing on a dose; accepted: more than 0");
  if (!constant) {
    dose.amount_mg = DrugMass(*amount, r.format.units.amount).in(unit::mg);
    r.need(std::isfinite(dose.amount_mg) && dose.amount_mg > 0, Column::amt,
           "not an amount; accepted: more than 0, or 0 with SS and RATE > 0 or -1 for a constant infusion");
  }
  if (rate > 0) {
    dose.kind = DoseKind::at_rate;
    dose.rate_mg_per_min = rate_in(r, rate, dose.amount_mg);
  } else if (rate < 0) {
    dose.kind = rate == -1 ? DoseKind::modelled_rate : DoseKind::modelled_duration;
  } else if (over > 0) {
    dose.kind = DoseKind::over_duration;
    dose.duration = span_of(r, Column::dur, over);
  }

  dose.additional =
      r.count(Column::addl, most_additional_doses, "not a number of doses; accepted: whole, 0 to 100000").value_or(0);
  const auto interval = r.number(Column::ii);
  const bool repeated = dose.additional > 0 || (steady && !constant);
  if (constant) r.need(dose.additional == 0, Column::addl, "with a constant infusion; accepted: 0 or missing");
  if (repeated) {
    if (!interval) r.refuse_absent(Column::ii, "missing beside ADDL or SS; accepted: more than 0");
    dose.interval = span_of(r, Column::ii, *interval);
  } else {
    r.need(interval.value_or(0) == 0, Column::ii, "of a dose that is not repeated; accepted: 0 or missing");
  }
  return dose;
}

Evid evid_of(const Reading& r) {
  if (!r.layout.at(Column::evid)) {
    const bool steady = r.number(Column::ss).value_or(0) > 0;
    const double rate = r.number(Column::rate).value_or(0);
    const bool gives = r.number(Column::amt).value_or(0) > 0 || (steady && (rate > 0 || rate == -1));
    return gives ? Evid::dose : Evid::observation;
  }
  const auto x = r.count(Column::evid, 4, "no such kind of record; accepted: 0, 1, 2, 3 or 4");
  if (!x) r.refuse_absent(Column::evid, "missing; accepted: 0, 1, 2, 3 or 4 on each record");
  return static_cast<Evid>(*x);
}

Record record_of(const Reading& r) {
  Record record{.line = r.row.line, .time = time_of(r), .evid = evid_of(r)};
  if (record.evid == Evid::dose || record.evid == Evid::reset_and_dose) {
    record.dose = dose_of(r);
  } else {
    check_gives_nothing(r);
    (void)compartment_of(r, false);
  }
  if (const auto mdv = r.count(Column::mdv, 1, "neither 0 nor 1; accepted: 0, 1 or missing"))
    record.missing_observation = *mdv == 1;
  if (const auto dv = r.number(Column::dv)) {
    record.observed_mg_per_L = Concentration(*dv, r.format.units.concentration).in(unit::mg_per_L);
    r.need(std::isfinite(*record.observed_mg_per_L), Column::dv, "beyond what can be held; accepted: a concentration");
  }
  record.covariates.reserve(r.layout.covariates.size());
  for (const std::size_t at : r.layout.covariates) {
    if (r.is_missing(at))
      throw InvalidInput(Code::field_missing, place_of(r.text, r.row.line, at),
                         "missing; accepted: a number on each record, as nothing is carried on");
    record.covariates.push_back(r.number_at(at));
  }
  return record;
}

/// Throws unless `record`, to whose time `offset` is added, may follow the records of `subject`.
void check_times(const Reading& r, const Subject& subject, const Record& record, Micros offset) {
  const Micros first = subject.records.empty() ? record.time : subject.records.front().time;
  const Micros elapsed = record.time + offset - first;
  if (!subject.records.empty() && record.time < subject.records.back().time && !record.is_reset())
    r.refuse(Column::time, Code::time_order,
             "earlier than the record ahead of it; accepted: time that never falls, but at a reset (EVID 3 or 4)");
  r.need(elapsed <= horizon_limit, Column::time,
         "more than 400 d from the subject's first record; accepted: up to 400 d");
  if (!record.dose) return;
  r.need(elapsed + record.dose->interval * static_cast<std::int64_t>(record.dose->additional) <= horizon_limit,
         Column::addl, "doses more than 400 d from the subject's first record; accepted: up to 400 d");
}

void check_format(const DataFormat& format) {
  require(!format.compartments.empty(), Code::arg, "compartments", "none; accepted: the model's compartments in order");
  std::unordered_set<std::string_view> compartments;
  for (const std::string& name : format.compartments)
    require(!name.empty() && name != "." && name != "-" && name != "NA" &&
                detail::json_number_length(name) != name.size() && compartments.insert(name).second,
            Code::arg, "compartments",
            "a name that is empty, a number, missing or there twice; accepted: names that a CMT can tell apart");
  std::unordered_set<std::string> names;
  for (const std::string_view name : column_names) names.insert(lower(name));
  for (const std::string& name : format.covariates)
    require(!name.empty() && names.insert(lower(name)).second, Code::arg, "covariates",
            "a name that is empty, stands twice or is a column of its own; accepted: names that differ in any case");
}

}  // namespace

Dataset read_data(std::string_view bytes, const DataFormat& format) {
  check_format(format);
  Reading r{.format = format, .text = {.bytes = bytes, .name = "data"}};
  require(bytes.size() <= most_data_bytes, Code::size, "data", "too long; accepted: up to 64 MiB");
  require(count_rows(bytes) <= most_data_rows + 1, Code::size, "data", "too many records; accepted: up to 1000000");
  check_encoding(r.text);

  CsvRow header;
  if (!next_row(r.text, header))
    throw InvalidInput(Code::columns, place_of(r.text, 1), "nothing; accepted: a header and records below it");
  r.layout = read_header(r.text, header, format);

  Dataset dataset{.covariates = format.covariates, .subjects = {}, .ignored_columns = r.layout.ignored};
  std::unordered_set<std::string> seen;
  std::size_t repeated = 0;
  Micros offset{0};
  while (next_row(r.text, r.row)) {
    if (r.row.fields.size() != header.fields.size())
      throw InvalidInput(Code::columns, place_of(r.text, r.row.line),
                         std::to_string(r.row.fields.size()) +
                             " fields; accepted: " + std::to_string(header.fields.size()) + ", as in the header");
    std::string id = id_of(r);
    if (dataset.subjects.empty() || dataset.subjects.back().id != id) {
      if (!seen.insert(id).second)
        r.refuse(Column::id, Code::time_order,
                 "a subject that was left; accepted: the records of a subject one after the other");
      dataset.subjects.push_back({.id = std::move(id), .records = {}});
    }
    Record record = record_of(r);
    const Subject& subject = dataset.subjects.back();
    offset = subject.records.empty() ? Micros{0} : clock_offset(offset, subject.records.back(), record);
    check_times(r, subject, record, offset);
    repeated += record.dose ? record.dose->additional : 0;
    if (repeated > most_repeated_doses)
      r.refuse(Column::addl, Code::size, "too many repeated doses in all; accepted: up to 10000000");
    dataset.subjects.back().records.push_back(std::move(record));
  }
  require(!dataset.subjects.empty(), Code::field_missing, "data", "no records; accepted: one or more below the header");
  return dataset;
}

std::string write_table(const Table& table) {
  const auto rows_of = [](const TableColumn& column) {
    return std::visit([](const auto& cells) { return cells.size(); }, column.cells);
  };
  const std::size_t rows = table.columns.empty() ? 0 : rows_of(table.columns.front());
  for (const TableColumn& column : table.columns)
    if (rows_of(column) != rows) throw std::logic_error("a table has columns of different length");

  std::string csv;
  // A lone empty field would be a blank line.
  const auto cell = [&](std::string_view text) { csv += text.empty() && table.columns.size() == 1 ? "\"\"" : text; };
  const auto end = [&](std::size_t column) { csv += column + 1 < table.columns.size() ? ',' : '\n'; };
  for (std::size_t c = 0; c < table.columns.size(); ++c) cell(report_detail::csv_cell(table.columns[c].header)), end(c);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (const auto* numbers = std::get_if<std::vector<std::optional<double>>>(&table.columns[c].cells))
        cell((*numbers)[i] ? to_text(report_detail::finite(*(*numbers)[i])) : std::string());
      else
        cell(report_detail::csv_cell(std::get<std::vector<std::string>>(table.columns[c].cells)[i]));
      end(c);
    }
  return csv;
}

}  // namespace ketpk::io
