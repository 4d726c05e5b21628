// SPDX-License-Identifier: Apache-2.0

// Why: what the types refuse is a promise like any other. Each case is refused as it stands and compiles once the
// token that its comment names is changed; must_not_compile.py proves both.

// The prelude, must_not_compile.hpp, is included by the driver.

#ifdef RIGHT
#define TOKEN(wrong, right) right
#else
#define TOKEN(wrong, right) wrong
#endif

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

#if CASE == 1
// Milligrams where a dose per body mass is due. Change `0.5_mg` to `0.5_mg_per_kg`.
DrugMass dose_for_70_kg() { return TOKEN(0.5_mg, 0.5_mg_per_kg) * 70_kg; }
#endif

#if CASE == 2
// A bare number for a weight. Change `70` to `70_kg`.
Patient patient() { return {.weight = TOKEN(70, 70_kg)}; }
#endif

#if CASE == 3
// A bare number made a body mass without saying kg or lb. Change `70` to `70_kg`.
BodyMass weight() { return TOKEN(70, 70_kg); }
#endif

#if CASE == 4
// A number given the unit of another dimension. Change `mg` to `kg`.
BodyMass weight() { return {154, unit::TOKEN(mg, kg)}; }
#endif

#if CASE == 5
// Pounds taken out of a weight as drug mass. Change `mcg` to `lb`.
double shown(BodyMass weight) { return weight.in(unit::TOKEN(mcg, lb)); }
#endif

#if CASE == 6
// The mass of a drug added to the mass of a body. Change `70_kg` to `70_mg`.
auto sum() { return 35_mg + TOKEN(70_kg, 70_mg); }
#endif

#if CASE == 7
// A gram of body where a gram of drug is due. Change `g_of_body` to `g`.
DrugMass vial() { return {0.5, unit::TOKEN(g_of_body, g)}; }
#endif

#if CASE == 8
// A concentration where a dose is due. Change `10_mg_per_mL` to `10_mg`.
Bolus bolus() { return {TOKEN(10_mg_per_mL, 10_mg), 0min}; }
#endif

#if CASE == 9
// A body mass where a dose is due. Change `70_kg` to `70_mg`.
Infuse infusion() { return {TOKEN(70_kg, 70_mg), 40min, 0min}; }
#endif

#if CASE == 10
// A rate where an amount is due. Change `1_mg_per_min` to `1_mg`.
Infuse infusion() { return {TOKEN(1_mg_per_min, 1_mg), 40min, 0min}; }
#endif

#if CASE == 11
// An amount where a rate is due. Change `0.5_mg_per_kg` to `0.5_mg_per_kg_per_h`.
InfuseAtRate infusion() { return {TOKEN(0.5_mg_per_kg, 0.5_mg_per_kg_per_h), 40min, 0min}; }
#endif

#if CASE == 12
// A bare number of minutes where a duration is due. Change `40.0` to `40min`.
Infuse infusion() { return {0.5_mg_per_kg, TOKEN(40.0, 40min), 0min}; }
#endif

#if CASE == 13
// A fraction of a microsecond would be lost on the way to whole ones. Change `double` to `long`.
Micros duration(std::chrono::duration<TOKEN(double, long), std::micro> asked) { return asked; }
#endif

#if CASE == 14
// A dose rate where a pump's volume rate is meant as one. Change `60_kg` to `60_mL_per_h`.
InfuseAtRate infusion() { return {TOKEN(60_kg, 60_mL_per_h), 40min, 0min}; }
#endif

#if CASE == 15
// Height for weight. Change `175_cm` to `70_kg`.
Patient patient() { return {.weight = TOKEN(175_cm, 70_kg)}; }
#endif

#if CASE == 16
// Weight for height. Change `70_kg` to `175_cm`.
Patient patient() { return {.weight = 70_kg, .height = TOKEN(70_kg, 175_cm)}; }
#endif

#if CASE == 17
// A bare number of years. Change `42` to `42_yr`.
Patient patient() { return {.weight = 70_kg, .age = TOKEN(42, 42_yr)}; }
#endif

#if CASE == 18
// A duration for an age. Change `42min` to `42_yr`.
Patient patient() { return {.weight = 70_kg, .age = TOKEN(42min, 42_yr)}; }
#endif

#if CASE == 19
// A clearance for a volume. Change `84_L_per_h` to `84_L`.
Volume central() { return TOKEN(84_L_per_h, 84_L); }
#endif

#if CASE == 20
// A quantity slips into a double without naming its unit. Change `double` to `auto`.
TOKEN(double, auto) dose = 35_mg;
#endif

#if CASE == 21
// Milligrams compared with kilograms. Change `70_kg` to `70_mg`.
bool heavier() { return 35_mg < TOKEN(70_kg, 70_mg); }
#endif

#if CASE == 22
// Milligrams added to micrograms per kilogram. Change `500_mcg_per_kg` to `500_mcg`.
auto sum() { return 1_mg + TOKEN(500_mcg_per_kg, 500_mcg); }
#endif

#if CASE == 23
// A dose per body mass compared with a rate per body mass. Change `1_mg_per_kg_per_h` to `1_mg_per_kg`.
bool below() { return 0.5_mg_per_kg <= TOKEN(1_mg_per_kg_per_h, 1_mg_per_kg); }
#endif

#if CASE == 24
// A dose per body mass left by dividing where multiplying is due. Change `/` to `*`.
DrugMass total() { return 0.5_mg_per_kg TOKEN(/, *) 70_kg; }
#endif

#if CASE == 25
// A physical quantity without a value. Change `DrugMass` to `double`.
struct Syringe {
  TOKEN(DrugMass, double) content;
};
Syringe empty() { return Syringe(); }
#endif

#if CASE == 26
// A verdict asked as if it were yes or no. Change `bool` to `auto`.
TOKEN(bool, auto) answer(const Verdict& verdict) { return verdict; }
#endif

#if CASE == 27
// An assessment asked as if it were yes or no. Change `assessment` to `true`.
int branch([[maybe_unused]] const Assessment& assessment) { return TOKEN(assessment, true) ? 1 : 0; }
#endif

#if CASE == 28
// A dose taken out without asking whether it was per kg. Change `StatedDose` to `StatedMass`.
using StatedMass = Stated<dim::drug>;
auto amount(const TOKEN(StatedDose, StatedMass) & dose) { return dose.value(); }
#endif

#if CASE == 29
// A weight written where the duration of an infusion stands. Change `70_kg` to `40min`.
DrugRate rate() { return 35_mg / TOKEN(70_kg, 40min); }
#endif

#if CASE == 30
// A rate times a dose per kg, where a rate lasts for a time. Change `0.5_mg_per_kg` to `40min`.
DrugMass delivered() { return 1_mg_per_min * TOKEN(0.5_mg_per_kg, 40min); }
#endif

#if CASE == 31
// An order resolved with a height. Change `175_cm` to `70_kg`.
Regimen resolved(const Order& order) { return resolve(order, TOKEN(175_cm, 70_kg)); }
#endif

#if CASE == 32
// An order scheduled before it was resolved for a weight. Change `Order` to `Regimen`.
std::vector<Segment> segments(const TOKEN(Order, Regimen) & given) { return schedule(given); }
#endif

#if CASE == 33
// The form of a drug where its analyte is due. Change `Form` to `Analyte`.
Order order() { return {.analyte = TOKEN(Form, Analyte)::unstated}; }
#endif

#if CASE == 34
// A bare flag for the starting state. Change `true` to `drug_free`.
Order order() {
  using enum InitialState;
  return {.initial_state = TOKEN(true, drug_free)};
}
#endif

#if CASE == 35
// A bag's concentration stated as a dose. Change `1_mg` to `1_mg_per_mL`.
Order order() { return {.bag = TOKEN(1_mg, 1_mg_per_mL)}; }
#endif

#if CASE == 36
// A stated rate asked for a dimension it can never have. Change `body` to `rate`.
auto asked(const StatedRate& rate) { return rate.as<dim::TOKEN(body, rate)>(); }
#endif
