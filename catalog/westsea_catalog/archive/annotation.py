"""The XML files of a simulated Sentinel-1 GRD product, in the form of real ones.

They have the elements that a reader of positions, levels and radar timing looks at, in their
places; what else ESA writes is left out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike

from westsea_catalog.archive.frame import SPACING_M, Float
from westsea_catalog.archive.sar import GROUND_VELOCITY_MS, SUBSWATHS, Pass

LIGHT_MS = 299_792_458.0
HEIGHT_M = 693_000.0
GAMMA = (620.0, 470.0)
"""Calibration constant of gamma0 at the near and the far edge of IW."""
LINE_S = SPACING_M / GROUND_VELOCITY_MS
_TERMS = 9
_SAMPLES_APART, _NODES_ACROSS, _LINES_APART = 40, 21, 200
_SECOND_LINES = 668


@dataclass(frozen=True, eq=False)
class View:
    """A pass as its annotation describes it."""

    radar: Pass
    start: datetime
    shape: tuple[int, int]
    """(lines, samples)."""
    name: str
    """Of the mission, S1A."""
    orbit: int
    polarization: str

    @property
    def pixels(self) -> list[int]:
        """Columns of the geolocation grid: evenly spaced, but for the last."""
        step = max(1, (self.shape[1] - 1) // (_NODES_ACROSS - 1))
        return [*(step * k for k in range(_NODES_ACROSS - 1)), self.shape[1] - 1]

    @property
    def lines(self) -> list[int]:
        """Its rows, likewise."""
        return [*range(0, self.shape[0] - 1, _LINES_APART), self.shape[0] - 1]

    def time(self, line: float) -> str:
        """When a line was taken."""
        when = self.start + timedelta(seconds=line * LINE_S)
        return f"{when:%Y-%m-%dT%H:%M:%S.%f}"

    def ground_m(self, col: ArrayLike) -> Float:
        """Metres from the point below the radar."""
        middle = HEIGHT_M * np.tan(np.deg2rad(self.radar.incidence_deg))
        return np.asarray(middle + SPACING_M * (np.asarray(col, float) - (self.shape[1] - 1) / 2))

    def slant_m(self, col: ArrayLike) -> Float:
        """Metres from the radar."""
        return np.hypot(HEIGHT_M, self.ground_m(col))

    def incidence_deg(self, col: ArrayLike) -> Float:
        """Angle of the beam from the vertical."""
        return np.asarray(np.rad2deg(np.arctan2(self.ground_m(col), HEIGHT_M)))

    def gamma(self, col: ArrayLike) -> Float:
        """Calibration constant."""
        return np.asarray(np.interp(self.incidence_deg(col), (30.5, 46.0), GAMMA))


def annotation_xml(view: View, lon: Float, lat: Float) -> str:
    """The product annotation; lon and lat (lines, pixels) of the geolocation grid."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<product>
  {_header(view)}
  <generalAnnotation>
    <productInformation>
      <pass>{"Ascending" if abs(view.radar.heading_deg) < 90 else "Descending"}</pass>
      <platformHeading>{view.radar.heading_deg:.15e}</platformHeading>
      <projection>Ground Range</projection>
      <radarFrequency>5.405000454334350e+09</radarFrequency>
    </productInformation>
    {_list("downlinkInformation", [_downlink(view, n) for n in SUBSWATHS])}
    {_list("azimuthFmRate", [_fm_rate(view, line) for line in (-400, 900, 2700)])}
  </generalAnnotation>
  <imageAnnotation>
    <imageInformation>
      <productFirstLineUtcTime>{view.time(0)}</productFirstLineUtcTime>
      <productLastLineUtcTime>{view.time(view.shape[0] - 1)}</productLastLineUtcTime>
      <productComposition>Slice</productComposition>
      <sliceNumber>2</sliceNumber>
      {_list("slice", [f"<sliceNumber>{n}</sliceNumber>" for n in (1, 2, 3)])}
      <slantRangeTime>{2 * view.slant_m(0) / LIGHT_MS:.15e}</slantRangeTime>
      <pixelValue>Detected</pixelValue>
      <outputPixels>16 bit Unsigned Integer</outputPixels>
      <rangePixelSpacing>{SPACING_M:.6e}</rangePixelSpacing>
      <azimuthPixelSpacing>{SPACING_M:.6e}</azimuthPixelSpacing>
      <azimuthTimeInterval>{LINE_S:.15e}</azimuthTimeInterval>
      <numberOfSamples>{view.shape[1]}</numberOfSamples>
      <numberOfLines>{view.shape[0]}</numberOfLines>
      <incidenceAngleMidSwath>{view.radar.incidence_deg:.15e}</incidenceAngleMidSwath>
    </imageInformation>
  </imageAnnotation>
  <geolocationGrid>
    {_list("geolocationGridPoint", _points(view, lon, lat))}
  </geolocationGrid>
  <coordinateConversion>
    {_list("coordinateConversion", _conversions(view))}
  </coordinateConversion>
  <swathMerging>
    {_list("swathMerge", [_merge(view)])}
  </swathMerging>
</product>
"""


def calibration_xml(view: View) -> str:
    """The calibration, a vector a second."""
    pixels = _pixels(view)
    gamma = view.gamma(pixels)
    sigma = gamma / np.sqrt(np.cos(np.deg2rad(view.incidence_deg(pixels))))
    vectors = [
        f"<azimuthTime>{view.time(line)}</azimuthTime><line>{line}</line>"
        + _values("pixel", pixels, "d")
        + _values("sigmaNought", sigma, ".6e")
        + _values("betaNought", np.full(len(pixels), 474.0), ".6e")
        + _values("gamma", gamma, ".6e")
        + _values("dn", np.full(len(pixels), 401.6), ".6e")
        for line in range(0, view.shape[0] + _SECOND_LINES, _SECOND_LINES)
    ]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<calibration>
  {_header(view)}
  <calibrationInformation>
    <absoluteCalibrationConstant>1.393000e+00</absoluteCalibrationConstant>
  </calibrationInformation>
  {_list("calibrationVector", vectors)}
</calibration>
"""


def noise_xml(view: View, across: Float, along: Float) -> str:
    """Thermal noise: gamma0 (samples,), and what it is multiplied by along the lines (lines,)."""
    pixels = _pixels(view)
    lut = across[pixels] * view.gamma(pixels) ** 2
    vectors = [
        f"<azimuthTime>{view.time(line)}</azimuthTime><line>{line}</line>"
        + _values("pixel", pixels, "d")
        + _values("noiseRangeLut", lut, ".6e")
        for line in range(0, view.shape[0] + _SECOND_LINES, _SECOND_LINES)
    ]
    lines = np.unique(np.r_[0 : view.shape[0] : 10, view.shape[0] - 1])
    part = (
        f"<swath>IW{view.radar.subswath}</swath>{_bounds(view)}"
        + _values("line", lines, "d")
        + _values("noiseAzimuthLut", along[lines], ".6e")
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<noise>
  {_header(view)}
  {_list("noiseRangeVector", vectors)}
  {_list("noiseAzimuthVector", [part])}
</noise>
"""


def _header(view: View) -> str:
    return f"""<adsHeader>
    <missionId>{view.name}</missionId>
    <productType>GRD</productType>
    <polarisation>{view.polarization}</polarisation>
    <mode>IW</mode>
    <swath>IW</swath>
    <startTime>{view.time(0)}</startTime>
    <stopTime>{view.time(view.shape[0] - 1)}</stopTime>
    <absoluteOrbitNumber>{view.orbit}</absoluteOrbitNumber>
    <imageNumber>001</imageNumber>
  </adsHeader>"""


def _list(name: str, members: list[str]) -> str:
    inner = "\n".join(f"<{name}>{member}</{name}>" for member in members)
    return f'<{name}List count="{len(members)}">\n{inner}\n</{name}List>'


def _values(name: str, values: ArrayLike, form: str) -> str:
    found = np.asarray(values).tolist()
    return f'<{name} count="{len(found)}">{" ".join(format(v, form) for v in found)}</{name}>'


def _pixels(view: View) -> list[int]:
    return [*range(0, view.shape[1] - 1, _SAMPLES_APART), view.shape[1] - 1]


def _downlink(view: View, number: int) -> str:
    return (
        f"<swath>IW{number}</swath><azimuthTime>{view.time(0)}</azimuthTime>"
        f"<prf>{SUBSWATHS[number][2]:.15e}</prf>"
    )


def _fm_rate(view: View, line: int) -> str:
    """Linear in slant range between the edges of the subswath, as the simulation has it."""
    incidences, rates, _ = SUBSWATHS[view.radar.subswath]
    times = 2 * HEIGHT_M / np.cos(np.deg2rad(incidences)) / LIGHT_MS
    middle = 2 * HEIGHT_M / np.cos(np.deg2rad(view.radar.incidence_deg)) / LIGHT_MS
    rate = float(np.interp(view.radar.incidence_deg, incidences, rates))
    slope = (rates[1] - rates[0]) / (times[1] - times[0])
    terms = (-rate, -slope, 0.0)
    return f"<azimuthTime>{view.time(line)}</azimuthTime><t0>{middle:.15e}</t0>" + _values(
        "azimuthFmRatePolynomial", terms, ".15e"
    )


def _points(view: View, lon: Float, lat: Float) -> list[str]:
    found = []
    for i, line in enumerate(view.lines):
        for j, pixel in enumerate(view.pixels):
            found.append(
                f"<azimuthTime>{view.time(line)}</azimuthTime>"
                f"<slantRangeTime>{2 * view.slant_m(pixel) / LIGHT_MS:.15e}</slantRangeTime>"
                f"<line>{line}</line><pixel>{pixel}</pixel>"
                f"<latitude>{lat[i, j]:.15e}</latitude><longitude>{lon[i, j]:.15e}</longitude>"
                "<height>0.000000000000000e+00</height>"
                f"<incidenceAngle>{view.incidence_deg(pixel):.15e}</incidenceAngle>"
                f"<elevationAngle>{view.incidence_deg(pixel) * 0.9:.15e}</elevationAngle>"
            )
    return found


def _conversions(view: View) -> list[str]:
    """Slant range over ground range, to the last digit that nine terms give."""
    x = SPACING_M * np.linspace(0, view.shape[1] - 1, 200)
    scale = x[-1]
    fit = np.polynomial.Polynomial.fit(
        x, view.slant_m(x / SPACING_M), _TERMS - 1, domain=[0, scale]
    )
    terms = fit.convert().coef
    lines = range(-_SECOND_LINES // 2, view.shape[0] + _SECOND_LINES, _SECOND_LINES)
    return [
        f"<azimuthTime>{view.time(line)}</azimuthTime>"
        f"<slantRangeTime>{2 * view.slant_m(0) / LIGHT_MS:.15e}</slantRangeTime>"
        f"<sr0>{view.slant_m(0):.15e}</sr0><gr0>0.000000000000000e+00</gr0>"
        + _values("grsrCoefficients", terms, ".17e")
        for line in lines
    ]


def _bounds(view: View) -> str:
    return (
        "<firstAzimuthLine>0</firstAzimuthLine><firstRangeSample>0</firstRangeSample>"
        f"<lastAzimuthLine>{view.shape[0] - 1}</lastAzimuthLine>"
        f"<lastRangeSample>{view.shape[1] - 1}</lastRangeSample>"
    )


def _merge(view: View) -> str:
    bounds = f"<azimuthTime>{view.time(0)}</azimuthTime>{_bounds(view)}"
    return f"<swath>IW{view.radar.subswath}</swath>{_list('swathBounds', [bounds])}"
