// SPDX-License-Identifier: Apache-2.0

// Why: the evidence crosses to Python as the texts that the command writes, so that both doors say the same.

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "bind.hpp"
#include "evidence_text.hpp"

namespace ketpk::bind {
namespace {

using namespace nb::literals;

/// JSON, CSV, Markdown and the card, of one model or all, on one data set or all.
std::tuple<std::string, std::string, std::string, std::string> evidence(const std::string& model,
                                                                        const std::string& data) {
  return steadily([&] {
    const bool one_model = !model.empty(), one_data = !data.empty();
    auto answer = validation(one_model ? std::vector<ModelCard>{library::find(model)} : library::cards(),
                             one_data ? std::vector<Observations>{observed::find(data)} : observed::data_sets());
    if (auto* trouble = std::get_if<Trouble>(&answer)) throw TroubleRaised{std::move(*trouble)};
    const Validation& found = std::get<Validation>(answer);
    return std::tuple{io::evidence_json(found, version), io::evidence_csv(found), io::evidence_markdown(found, version),
                      io::evidence_card(found, one_model || one_data)};
  });
}

}  // namespace

void bind_evidence(nb::module_& m) {
  m.def("evidence", &evidence, "model"_a, "data"_a,
        "Models against what was measured, as JSON, CSV, Markdown and text; an empty id means all of them.");
}

}  // namespace ketpk::bind
