// SPDX-License-Identifier: Apache-2.0

// Why: the thin side of the Python package. A session goes in as the text that a file would hold, so that nothing can
// be said in Python that is understood differently in a file; a result comes out as a value with columns that NumPy
// sees without copying, and with blocks of the JSON that every other door writes.

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "bind.hpp"
#include "command_line.hpp"

namespace ketpk::bind {

using namespace nb::literals;

io::SessionContext context_of(const Reading& reading) {
  return {.folder = std::filesystem::path(reading.folder),
          .today = io::read_day(reading.today, "today"),
          .confined = reading.confined,
          .limits = reading.limits};
}

Request request_from(std::string_view session, const Reading& reading) {
  return steadily([&] { return io::read_session(session, context_of(reading)); });
}

Outcome answer(const Request& request, bool second_solver) {
  return steadily([&] { return second_solver ? simulate(request) : simulate(request, NoSecondSolver{}); });
}

namespace {
std::atomic<int> calls_running{0};
std::atomic<bool> interpreter_ends{false};
}  // namespace

Running::Running() {
  require(!interpreter_ends, Code::state, "interpreter", "it is ending; accepted: calls before its end");
  ++calls_running;
}
Running::~Running() { --calls_running; }
bool Running::should_end() { return interpreter_ends; }
void Running::forked() { calls_running = 0; }
void Running::no_more() {
  interpreter_ends = true;
  const nb::gil_scoped_release others_run;
  while (calls_running > 0) std::this_thread::sleep_for(std::chrono::milliseconds{5});
}

namespace {

static_assert(sizeof(Micros) == sizeof(std::int64_t) && std::is_standard_layout_v<Micros>);

template <class T>
using Column = nb::ndarray<nb::numpy, const T, nb::ndim<1>, nb::c_contig>;

const std::vector<double>& doubles_of(const Answered& a, std::string_view name) {
  const Profile& p = a.result.profile;
  if (name == "time_min") return a.time_min;
  if (name == "plasma_ng_per_mL") return p.plasma_ng_per_mL;
  if (name == "effect_site_ng_per_mL") return p.effect_site_ng_per_mL;
  if (name == "delivered_mg") return p.delivered_mg;
  if (name == "auc_ng_h_per_mL") return p.auc_ng_h_per_mL;
  throw InvalidInput(Code::arg, "column", "no column of this profile; accepted: those of the contract");
}

template <class T>
Column<T> view(const T* data, std::size_t size, nb::handle owner) {
  return Column<T>(data, {size}, owner);
}

Answered simulate_session(std::string_view session, const Reading& reading, bool second_solver) {
  const Request request = request_from(session, reading);
  const Running call;
  Outcome outcome = [&] {
    const nb::gil_scoped_release others_run;
    return answer(request, second_solver);
  }();
  if (const auto* trouble = std::get_if<Trouble>(&outcome)) throw TroubleRaised{*trouble};
  return Answered(std::get<Result>(std::move(outcome)));
}

using Instants = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

/// The same question at other instants, by one solver.
Answered asked_again(const Answered& a, const Instants& at_us) {
  Request request = a.result.inputs;
  request.observe = {};
  for (std::size_t i = 0; i < at_us.shape(0); ++i) request.observe.at.push_back(Micros{at_us(i)});
  const Running call;
  Outcome outcome = [&] {
    const nb::gil_scoped_release others_run;
    return answer(request, false);
  }();
  if (const auto* trouble = std::get_if<Trouble>(&outcome)) throw TroubleRaised{*trouble};
  return Answered(std::get<Result>(std::move(outcome)));
}

/// A wrong type is a TypeError too.
const char* class_of(Code code) { return code == Code::type ? "WrongType" : "InvalidInput"; }

nb::object error_class(const char* name) { return nb::module_::import_("ketpk._errors").attr(name); }

nb::str text(std::string_view s) { return nb::str(s.data(), s.size()); }

void set_python_error(const nb::object& error) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
}

/// C++ errors become the package's own. What is not ours is left to nanobind.
void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const InvalidInput& e) {
    set_python_error(error_class(class_of(e.code))(text(name_of(e.code)), e.field, e.message));
  } catch (const BadRow& bad) {
    set_python_error(error_class(class_of(bad.error.code))(text(name_of(bad.error.code)), bad.error.field,
                                                           bad.error.message, "row"_a = bad.row));
  } catch (const TroubleRaised& e) {
    set_python_error(
        error_class("NumericalTrouble")(text(name_of(e.trouble.code)), e.trouble.where, e.trouble.message));
  } catch (const TroubledRow& bad) {
    set_python_error(error_class("NumericalTrouble")(text(name_of(bad.trouble.code)), bad.trouble.where,
                                                     bad.trouble.message, "row"_a = bad.row));
  }
}

std::vector<std::tuple<std::string, std::string, std::string>> lint(std::string_view bytes, std::string_view today) {
  std::vector<std::tuple<std::string, std::string, std::string>> all;
  for (const io::LintFinding& f : io::lint_limits(bytes, io::read_day(today, "as_of")))
    all.emplace_back(std::string(name_of(f.code)), f.field, f.message);
  return all;
}

int command_line(const std::vector<nb::bytes>& arguments) {
  std::vector<const char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const nb::bytes& a : arguments) argv.push_back(a.c_str());
  argv.push_back(nullptr);
  const nb::gil_scoped_release others_run;
  return cli::run_command_line(static_cast<int>(arguments.size()), argv.data());
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "The compiled core of ketpk. Private: use the functions of the package ketpk.";
  // At the end of a process other libraries may still hold views of results; that is no leak.
  nb::set_leak_warnings(false);
  m.attr("version") = std::string(version);
  nb::register_exception_translator(translate);

  nb::class_<Limits>(m, "Limits", "A limits set that was read and validated.")
      .def_ro("id", &Limits::id, "The id of the set.")
      .def_ro("version", &Limits::version, "The version of the set.")
      .def_ro("sha256", &Limits::sha256, "SHA-256 of the bytes it was read from, lower-case hexadecimal.")
      .def_prop_ro(
          "status",
          [](const Limits& l) { return std::string(limits_status_names[static_cast<std::size_t>(l.status)]); },
          "approved or example.");

  nb::class_<Answered>(m, "Answer", "A result, held by the core.")
      .def(
          "json", [](const Answered& a) { return steadily([&] { return to_json(a.result, version); }); },
          "The result as ketpk.result/1.")
      .def(
          "block",
          [](const Answered& a, std::string_view name) {
            return steadily([&] { return block_json(a.result, name, version); });
          },
          "name"_a, "One block of the result as an object with that one member.")
      .def(
          "card",
          [](const Answered& a) { return steadily([&] { return to_card(a.result, version, drawing_of(a.result)); }); },
          "The result on one screen.")
      .def_prop_ro(
          "has_delivery", [](const Answered& a) { return a.result.delivery.has_value(); },
          "Whether what went in can be something else than what was ordered.")
      .def(
          "paused",
          [](const Answered& a) {
            std::vector<std::int64_t> paused;
            if (a.result.delivery)
              for (const Micros t : a.result.profile.time)
                paused.push_back(static_cast<std::int64_t>(paused_at(*a.result.delivery, t)));
            return owned(std::move(paused));
          },
          "How many infusions are paused at each asked instant.")
      .def("again", &asked_again, "at_us"_a, "The same question at these instants [us], by one solver.")
      .def(
          "state",
          [](const Answered& a, std::string_view at) {
            return steadily([&] {
              return io::state_json(saved_state(a.result, parse_time(at, "save_at")), a.result.inputs.model.id,
                                    version);
            });
          },
          "at"_a, "The course up to an instant with its unit, ketpk.state/1.")
      .def_prop_ro(
          "drawn_until_min", [](const Answered& a) { return steadily([&] { return minutes(drawn_until(a.result)); }); },
          "Where a drawing of the curve ends [min].")
      .def_prop_ro(
          "metabolites",
          [](const Answered& a) {
            std::vector<std::string> names;
            for (const CardMetabolite& each : a.result.inputs.model.metabolites) names.push_back(each.name);
            return names;
          },
          "The names of the model's metabolites.")
      .def_prop_ro(
          "has_effect_site", [](const Answered& a) { return a.result.inputs.model.ke0.has_value(); },
          "Whether the model has an effect site.")
      .def_prop_ro(
          "effects",
          [](const Answered& a) {
            std::vector<std::string> headers;
            for (const EffectAnswer& each : a.result.effects)
              headers.push_back(effect_header(each.effect.name, effect_unit_of(each.effect)));
            return headers;
          },
          "The columns of effects, each named with its unit.")
      .def(
          "time_us",
          [](nb::handle_t<Answered> self) {
            const auto& time = nb::cast<const Answered&>(self).result.profile.time;
            return view(reinterpret_cast<const std::int64_t*>(time.data()), time.size(), self);
          },
          "The asked instants [us], read-only, without copying.")
      .def(
          "column",
          [](nb::handle_t<Answered> self, std::string_view name) {
            const auto& values = doubles_of(nb::cast<const Answered&>(self), name);
            return view(values.data(), values.size(), self);
          },
          "name"_a, "A column of the profile, read-only, without copying.")
      .def(
          "metabolite",
          [](nb::handle_t<Answered> self, std::size_t index) {
            const auto& values = nb::cast<const Answered&>(self).result.profile.metabolites.at(index).ng_per_mL;
            return view(values.data(), values.size(), self);
          },
          "index"_a, "The curve of one metabolite, read-only, without copying.")
      .def(
          "effect",
          [](nb::handle_t<Answered> self, std::size_t index) {
            const auto& values = nb::cast<const Answered&>(self).result.effects.at(index).values;
            return view(values.data(), values.size(), self);
          },
          "index"_a, "One effect at the asked instants, read-only, without copying.");

  m.def(
      "simulate",
      [](const nb::bytes& session, const nb::bytes& folder, const std::string& today, bool confined,
         const Limits* limits, bool second_solver) {
        return simulate_session(text_of(session), Reading{std::string(text_of(folder)), today, confined, limits},
                                second_solver);
      },
      "session"_a, "folder"_a, "today"_a, "confined"_a, "limits"_a.none(), "second_solver"_a,
      "Answers a session, ketpk.session/1.");
  m.def(
      "read_file",
      [](const nb::bytes& path, const std::string& field) {
        const std::string bytes = io::read_file(std::filesystem::path(text_of(path)), field);
        return nb::bytes(bytes.data(), bytes.size());
      },
      "path"_a, "field"_a, "The bytes of a regular file of at most 1 MiB.");
  m.def(
      "read_data_file",
      [](const nb::bytes& path) {
        const std::string bytes = io::read_file(std::filesystem::path(text_of(path)), "data", io::most_data_bytes);
        return nb::bytes(bytes.data(), bytes.size());
      },
      "path"_a, "The bytes of a regular file of at most 64 MiB.");
  m.def(
      "read_limits", [](const nb::bytes& bytes) { return io::read_limits(text_of(bytes)); }, "bytes"_a,
      "Reads a limits file, ketpk.limits/1.");
  m.def(
      "lint_limits", [](const nb::bytes& bytes, const std::string& today) { return lint(text_of(bytes), today); },
      "bytes"_a, "today"_a, "Everything that is wrong with a limits file: code, field and message of each finding.");
  m.def("no_more", &Running::no_more, "Waits for the calls that run and refuses new ones; for the end of the process.");
  m.def("forked", &Running::forked, "For a child process: none of the parent's calls run there.");
  m.def("command_line", &command_line, "arguments"_a,
        "Runs the command line; `arguments` starts with the program's name. Gives its exit code.");
  bind_cohort(m);
  bind_evidence(m);
  bind_models(m);
  bind_predict(m);
  bind_rows(m);
  bind_several(m);
}

}  // namespace ketpk::bind
