// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a session, a limits file and a data file come from outside, from a program or from a tired person. They are
// read here strictly: what is not exactly what the contract says is refused with its place, never repaired and never
// guessed. This is the one public header of the compiled library `ketpk::io`; no JSON or CSV type shows in it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ketpk/cohort.hpp"
#include "ketpk/error.hpp"
#include "ketpk/identity.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/records.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/result.hpp"
#include "ketpk/spread.hpp"
#include "ketpk/vary.hpp"

namespace ketpk::io {

/// The largest session or limits file [bytes].
inline constexpr std::size_t most_bytes = std::size_t{1} << 20;

/// The deepest nesting of objects and arrays in a document.
inline constexpr std::size_t most_depth = 16;

/// The longest free text (a reason, a source, a name) [bytes].
inline constexpr std::size_t most_text_bytes = 1'000;

/// The largest data file: bytes, records below the header, columns, and additional doses of one record.
inline constexpr std::size_t most_data_bytes = std::size_t{64} << 20;
inline constexpr std::size_t most_data_rows = 1'000'000;
inline constexpr std::size_t most_repeated_doses = 10'000'000;  ///< the sum of ADDL over a data file
inline constexpr std::size_t most_data_columns = 1'000;
inline constexpr std::size_t most_additional_doses = 100'000;

/// The longest ID of a subject [bytes].
inline constexpr std::size_t most_id_bytes = 64;

/// What a session does not say about itself.
struct SessionContext {
  std::filesystem::path folder;       ///< where a limits file named in the session is looked for
  std::chrono::year_month_day today;  ///< dates the limits when the session has no `as_of`
  /// A limits file must lie under `folder`. A command line whose user names the file sets this to false.
  bool confined = true;
  /// Limits that a program holds already, for a session that names none. Both is E_FIELD_DUPLICATE(limits).
  const Limits* limits = nullptr;
};

/// The bytes of a regular file. Throws E_IO(`field`) for anything that is not one or cannot be read, and
/// E_SIZE(`field`) above `most` bytes, of which never more than one byte too many is read.
[[nodiscard]] std::string read_file(const std::filesystem::path& path, std::string_view field = "file",
                                    std::size_t most = most_bytes);

/// The bytes of standard input. Throws E_IO(stdin) and E_SIZE(stdin) as `read_file`.
[[nodiscard]] std::string read_stdin(std::size_t most = most_bytes);

/// SHA-256, 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view bytes);

/// A day, `2026-11-21`. Throws E_PARSE(`field`), and E_RANGE outside 1900 to 9999 and for a day the calendar has not.
[[nodiscard]] std::chrono::year_month_day read_day(std::string_view text, std::string_view field);

/// A session, `ketpk.session/1`. Throws `InvalidInput` with the path of what is wrong. Limits that come with it
/// are validated for `as_of`; patient and order are checked by the stages of `simulate`. E_MODEL_UNKNOWN(model) where
/// several models are asked.
[[nodiscard]] Request read_session(std::string_view bytes, const SessionContext& context);

/// The same of a session whose `model` may be "all" or a list of models. Throws as `read_session`, and
/// E_FIELD_UNKNOWN(effects) or E_STATE(initial_state) for what belongs to one model beside several.
[[nodiscard]] std::variant<Request, SpreadRequest> read_question(std::string_view bytes, const SessionContext& context);

/// A sweep, `ketpk.sweep/1`: a session, and what is varied in it. Throws as `read_session`, and for `vary` E_RANGE for
/// what cannot be varied, E_UNIT_MISMATCH for values in two units, E_FIELD_MISSING(vary[i].of) where it is not plain
/// which input is meant.
[[nodiscard]] SweepRequest read_sweep(std::string_view bytes, const SessionContext& context);

/// A cohort, `ketpk.cohort/1`: a session, and who stands in it. Throws as `read_session`, and for `cohort` as
/// `validate(CohortRequest)`. A session whose people have weights need not state one.
[[nodiscard]] CohortRequest read_cohort(std::string_view bytes, const SessionContext& context);

/// People as RFC 4180 CSV: a header of weight_kg, height_cm, age_yr, sex (female, male) and what else the model looks
/// at, in any order; one person a row, every cell filled. Throws `InvalidInput` with a field as `people line 3 column
/// weight_kg`: E_SIZE, E_ENCODING, E_PARSE, E_COLUMNS (another number of fields than the header has, a name that is
/// nearly another), E_UNIT_MISSING, E_UNIT_UNKNOWN, E_FIELD_DUPLICATE, E_FIELD_MISSING, E_RANGE for a sex. What a
/// person cannot be (900 kg) is not refused here: that subject fails.
[[nodiscard]] PeopleTable read_people(std::string_view bytes);

/// A limits file, `ketpk.limits/1`, with the SHA-256 of these bytes. Throws `InvalidInput` with a field `limits…`, also
/// where bounds are out of order. Whether the set may be used on a given day is `ketpk::validate(limits, as_of)`.
[[nodiscard]] Limits read_limits(std::string_view bytes);

/// A saved state as `ketpk.state/1`, with digests of the identity and of the whole, so that another model or patient
/// and a change are noticed. The digests protect against mistakes, not against somebody who makes new ones.
/// Throws E_SIZE(state) where it would be too long to be read again.
[[nodiscard]] std::string state_json(const SavedState& state, std::string_view model_id, std::string_view version);

/// A `ketpk.state/1` document. Throws `InvalidInput` with a field `state…`: E_STATE where it was changed after it was
/// saved, or was saved for another model, patient or drug. Whether its history gives the same numbers here is asked by
/// `require_resumable`, which `simulate` calls.
[[nodiscard]] SavedState read_state(std::string_view bytes, const Whose& whose);

/// One thing that is wrong with a limits file.
struct LintFinding {
  Code code;
  std::string field;
  std::string message;
};

/// Everything that is wrong with a limits file, as far as it can be looked at; empty if it can be used on `today`.
[[nodiscard]] std::vector<LintFinding> lint_limits(std::string_view bytes, std::chrono::year_month_day today);

/// What a data file does not say about itself, and its model does.
struct DataFormat {
  DataUnits units;
  std::vector<std::string> compartments;     ///< in the model's order; the first is CMT 1
  std::vector<std::string> covariates = {};  ///< the columns that the model needs
};

/// The records of a NONMEM-style data file: RFC 4180 CSV with a header, commas, LF or CRLF, UTF-8 without a byte order
/// mark. Nothing is filled in, converted by guess, sorted or dropped: each record is read or the file is refused.
///
/// **Columns.** ID TIME AMT RATE DUR EVID CMT ADDL II SS MDV DV, and one for each covariate of the model; in any order;
/// names in capitals (covariates as the model spells them), or all of them in lower case, never mixed. ID, TIME and the
/// covariates must be there, AMT where a dose is. Any other column is no part of the model: it is left out, and named
/// in `Dataset::ignored_columns`. But a column is refused whose name is one of the above but for case and signs
/// (`Time`, `TIME(h)`), its beginning of three letters or more (`RAT`), with two neighbours swapped (`RTAE`), in the
/// plural or with a unit (`RATES`, `TIME_H`); and one that other programs use for a column that is not there (AMOUNT or
/// DOSE for AMT, TAU for II, DURATION or TINF where neither DUR nor RATE is, and so on), because a dose without it
/// would be another dose.
///
/// **Values.** JSON numbers in ASCII, in `format.units`. An empty field or `.` is missing, which only a column may be
/// that the record does not need; `NA` and `-` are refused everywhere.
/// - ID: any text of up to 64 bytes without control characters (a tab is let through) or blanks at its ends. The same
///   text is the same subject, whose records stand together: `1` and `1.0` are two subjects.
/// - TIME: to the nearest microsecond; it may be negative; within 400 d of zero and of the subject's first record, and
///   so are additional doses. It never falls within a subject, but at a reset (EVID 3 or 4), where a new clock may
///   begin.
/// - EVID: 0 to 4. Without the column a record with AMT > 0, or with SS and RATE > 0, is a dose and any other an
///   observation.
/// - AMT, RATE, DUR, ADDL, II, SS: missing or 0 unless EVID is 1 or 4. There AMT > 0, except in a constant infusion at
///   steady state (AMT 0, RATE > 0, SS 1 or 2; no DUR, ADDL, II).
/// - RATE: 0 or missing, > 0, -1 (the model says the rate) or -2 (the model says the duration). DUR: 0 or missing or
///   > 0. At most one of the two. With neither the dose is given at once. DUR and AMT / RATE last 1 us to 400 d.
/// - CMT: a number from 1, or the name of a compartment. A dose needs it, unless the model has one compartment, or the
///   file has no such column and the model's first compartment is `central`. On other records 0 is missing.
/// - ADDL: whole, up to 100,000. SS: 0, 1 or 2. II: > 0 with ADDL or SS, else missing or 0.
/// - MDV: 0 or 1 or missing. DV: a number or missing. Neither changes what a record does.
/// - covariates: a number on every record.
///
/// Throws `InvalidInput` with a field as `data line 14 column RATE` (a column of another name by its number; a line is
/// the one that the record begins on, the header being 1), and no value of the file in the message:
/// E_SIZE above the limits, before anything else is looked at · E_ENCODING · E_PARSE for CSV or a number that is
/// none · E_COLUMNS for the header, a column that is due and not there, and another number of fields than the header
/// has · E_FIELD_DUPLICATE for a column that stands twice · E_FIELD_MISSING for a value that is due, and for a file
/// without records · E_TIME_ORDER where TIME falls or a subject comes back · E_RANGE. E_ARG(compartments) or
/// E_ARG(covariates) for a format without compartments, or with names that a file could not tell apart.
[[nodiscard]] Dataset read_data(std::string_view bytes, const DataFormat& format);

/// A column of numbers, which may be absent, or of text.
struct TableColumn {
  std::string header;  ///< with the unit: `IPRED_ng_per_mL`
  std::variant<std::vector<std::optional<double>>, std::vector<std::string>> cells;
};

struct Table {
  std::vector<TableColumn> columns;
};

/// The table as RFC 4180 CSV with a header and LF. Numbers are the shortest that read back exactly, an absent one is an
/// empty field. A text that a spreadsheet would take for a formula gets an apostrophe ahead of it, headers too.
/// Throws std::logic_error for columns of different length and for a number that is not finite.
[[nodiscard]] std::string write_table(const Table& table);

/// What a model says at every record, in the units of the data: ID, TIME, EVID, then every concentration (plasma first)
/// and the amount in every compartment, each header with its unit (`plasma_ng_per_mL`, `central_mg`); then its effects,
/// each in its own unit (`dissociation (points)`), and the spread of plasma.
[[nodiscard]] Table table_of(const Predictions& predictions, const Dataset& data, const DataUnits& units);

/// Where a table comes from.
struct TableSource {
  const ModelCard& card;
  const Predictions& predictions;
  std::string_view version;
};

/// The table as JSON, `ketpk.table/1`: solvers, model, and each column by its header.
[[nodiscard]] std::string table_json(const Table& table, const TableSource& source);

/// A model card, `ketpk.model/1`. Throws `InvalidInput` with a field `model…`, also where the parameters are not one
/// complete model.
[[nodiscard]] ModelCard read_model(std::string_view bytes);

/// The one file that says what the card says: `read_model` of it gives an equal card, and that card the same bytes.
[[nodiscard]] std::string write_model(const ModelCard& card);

/// An error makes the card unusable; a warning is a number that can hardly be meant; a note is what was not looked at.
enum class LintSeverity : std::uint8_t { note, warning, error };
inline constexpr std::array<std::string_view, 3> lint_severity_names{"note", "warning", "error"};

struct ModelFinding {
  LintSeverity severity;
  std::string code;  ///< of an error as in the contract; VOLUME, CLEARANCE, HALF_LIFE … of a warning or a note
  std::string field;
  std::string message;
};

/// Everything that is wrong, implausible or not checked in a model card: dimensions, sources, whether it is one
/// complete model, volumes and clearances against a body, half-lives, the variance matrix, and the golden values
/// computed again.
[[nodiscard]] std::vector<ModelFinding> lint_model(std::string_view bytes);

}  // namespace ketpk::io
