// SPDX-License-Identifier: Apache-2.0

// Why: a model card is read, shown, linted and written here by the functions that the command uses, from the text that
// its file holds.

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <tuple>
#include <vector>

#include "bind.hpp"
#include "model_lint.hpp"

namespace ketpk::bind {
namespace {

using namespace nb::literals;
using Finding = std::tuple<std::string, std::string, std::string, std::string>;

std::vector<Finding> lint(const nb::bytes& bytes) {
  std::vector<Finding> all;
  for (io::ModelFinding& f : steadily([&] { return io::lint_model(text_of(bytes)); }))
    all.emplace_back(std::string(report_detail::pick(io::lint_severity_names, f.severity)), std::move(f.code),
                     std::move(f.field), std::move(f.message));
  return all;
}

}  // namespace

void bind_models(nb::module_& m) {
  m.def(
      "model_ids",
      [] {
        std::vector<std::string> ids;
        for (const auto& [id, card] : library::shelf) ids.emplace_back(id);
        return ids;
      },
      "The ids of the built-in models.");
  m.def(
      "model_file", [](const std::string& id) { return steadily([&] { return io::write_model(library::find(id)); }); },
      "id"_a, "A built-in model as its file would be, ketpk.model/1.");
  m.def(
      "written_model",
      [](const nb::bytes& bytes) { return steadily([&] { return io::write_model(io::read_model(text_of(bytes))); }); },
      "bytes"_a, "The one file that says what the card of these bytes says, ketpk.model/1.");
  m.def(
      "model_json",
      [](const nb::bytes& bytes) {
        return steadily([&] { return io::model_card_json(io::read_model(text_of(bytes))); });
      },
      "bytes"_a, "Everything the card of a model file says and what follows from it, ketpk.card/1.");
  m.def(
      "model_card",
      [](const nb::bytes& bytes) {
        return steadily([&] { return io::model_card_text(io::read_model(text_of(bytes)), false); });
      },
      "bytes"_a, "The same for a terminal.");
  m.def(
      "model_covariates",
      [](const nb::bytes& bytes) { return steadily([&] { return covariates_of(io::read_model(text_of(bytes))); }); },
      "bytes"_a, "The columns of a data file that the model looks at.");
  m.def("lint_model", &lint, "bytes"_a,
        "Everything that is wrong, implausible or not checked in a model file: severity, code, field and message.");
}

}  // namespace ketpk::bind
