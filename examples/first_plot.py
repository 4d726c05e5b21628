# SPDX-License-Identifier: Apache-2.0
"""The first plot: one patient, one order, the limits beside this file, and a picture in the current folder."""

import pathlib

import matplotlib.pyplot as plt

import ketpk

result = ketpk.simulate(
    ketpk.Patient(weight_kg=70, height_cm=175, age_yr=42),
    ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
    model="kamp2020",
    analyte="racemic-ketamine",
    form="base",  # what the milligrams count
    drug_free=True,  # nothing on board at time zero
    limits=pathlib.Path(__file__).with_name("limits.json"),
)
print(result.card())
result.plot()
plt.savefig("first_plot.png")
