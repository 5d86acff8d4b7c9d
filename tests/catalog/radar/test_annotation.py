"""The XML of products, simulated and hostile."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from westsea_catalog.archive.curved import CurvedFrame
from westsea_catalog.errors import RefusedScene
from westsea_catalog.radar import xml
from westsea_catalog.radar.annotation import read_annotation
from westsea_catalog.radar.tables import read_calibration, read_noise


@pytest.fixture(scope="module")
def texts(twins):
    """annotation, calibration and noise of the first twin's VV."""
    [folder] = twins.parent.glob("sentinel-1-grd/*/S1A_IW_GRDH_1SDV*.SAFE")
    [main] = folder.glob("annotation/s1a-iw-grd-vv*.xml")
    [calibration] = folder.glob("annotation/calibration/calibration-*-vv-*.xml")
    [noise] = folder.glob("annotation/calibration/noise-*-vv-*.xml")
    return {
        "annotation": main.read_text(),
        "calibration": calibration.read_text(),
        "noise": noise.read_text(),
    }


READ = {"annotation": read_annotation, "calibration": read_calibration, "noise": read_noise}


def test_what_was_written_is_read(texts, twin_scenes):
    found = read_annotation(texts["annotation"].encode())
    scene = twin_scenes[0]
    frame = CurvedFrame(scene.grid, scene.radar.heading_deg)
    assert (found.mode, found.polarization, found.orbit_state) == ("IW", "VV", "descending")
    assert found.shape == frame.shape
    assert found.start == scene.start
    assert found.pixel_m == (10, 10)
    assert (found.is_first, found.is_last) == (False, False)
    assert found.rows[0] == found.cols[0] == 0
    assert (found.rows[-1], found.cols[-1]) == (frame.shape[0] - 1, frame.shape[1] - 1)
    row, col = np.meshgrid(found.rows, found.cols, indexing="ij")
    lon, lat = scene.grid.lonlat(*frame.scene_pixel(row, col))
    np.testing.assert_allclose(found.nodes["longitude"], lon, atol=1e-12)
    np.testing.assert_allclose(found.nodes["latitude"], lat, atol=1e-12)
    metres = found.nodes["slantRangeTime"] * 299_792_458 / 2
    np.testing.assert_allclose(found.ranges.metres(row, col)[0], metres, atol=1e-3)
    [swath] = found.swaths
    assert swath.number == 2
    assert swath.bounds == ((0, frame.shape[0], 0, frame.shape[1]),)


def test_vectors(texts):
    vectors = read_calibration(texts["calibration"].encode())
    assert [vector.row for vector in vectors] == [0, 668]
    assert vectors[0].cols[:3].tolist() == [0, 40, 80]
    assert len(vectors[0].values) == len(vectors[0].cols)
    along, azimuth, is_new = read_noise(texts["noise"].encode())
    assert is_new
    assert len(along) == 2
    [part] = azimuth
    assert part.rows[:3].tolist() == [0, 10, 20]
    assert part.bounds[0] == part.bounds[2] == 0


def test_the_form_before_2018(texts):
    old = texts["noise"].replace("noiseRange", "noise").replace("noiseLutList", "noiseVectorList")
    old = re.sub(r"<noiseAzimuthVectorList.*</noiseAzimuthVectorList>", "", old, flags=re.DOTALL)
    along, azimuth, is_new = read_noise(old.encode())
    assert not is_new
    assert azimuth == ()
    new = read_noise(texts["noise"].encode())[0]
    np.testing.assert_array_equal(along[1].values, new[1].values)


def test_rates_before_2015(texts):
    """Three elements where there is one polynomial now."""
    old, n = re.subn(
        r'<azimuthFmRatePolynomial count="3">(\S+) (\S+) (\S+)</azimuthFmRatePolynomial>',
        r"<c0>\1</c0><c1>\2</c1><c2>\3</c2>",
        texts["annotation"],
    )
    assert n == 3
    found = read_annotation(old.encode()).fm_rates
    np.testing.assert_array_equal(found, read_annotation(texts["annotation"].encode()).fm_rates)


BOMB = """<?xml version="1.0"?><!DOCTYPE product [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><product>&b;</product>"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no well-formed XML"),
        ("<product>", "no well-formed XML"),
        ("<product>&other;</product>", "no well-formed XML"),
        (BOMB, "document type"),
        ('<!DOCTYPE product SYSTEM "http://127.0.0.1/x"><product/>', "document type"),
        ("<a>" * 50 + "</a>" * 50, "nests more than 40"),
        ("<html><body>Not Found</body></html>", "is no "),
        ('<?xml version="1.0" encoding="no-such"?><product/>', "no well-formed XML"),
        ("\0", "no well-formed XML"),
    ],
)
@pytest.mark.parametrize("kind", sorted(READ))
def test_texts_that_are_none(kind, text, reason):
    with pytest.raises(RefusedScene, match=reason):
        READ[kind](text.encode())


def test_too_much_text(monkeypatch, texts):
    monkeypatch.setattr(xml, "MAX_BYTES", 1000)
    with pytest.raises(RefusedScene, match="more than 0 MB"):
        read_annotation(texts["annotation"].encode())


def changed(name, value, count=1):
    return lambda text: re.sub(
        rf"(<{name}[^>]*>)[^<]*(</{name}>)", rf"\g<1>{value}\2", text, count=count
    )


def many(name, n=600, **numbered):
    """The first of them so often, with some elements numbered."""

    def change(text):
        [first] = re.findall(rf"<{name}>.*?</{name}>", text, flags=re.DOTALL)[:1]
        copies = []
        for k in range(n):
            copy = first
            for each in numbered:
                copy = re.sub(rf"<{each}>[0-9]+", f"<{each}>{k}", copy)
            copies.append(copy)
        return re.sub(
            rf"(<{name}List[^>]*>).*(</{name}List>)",
            lambda match: match[1] + "".join(copies) + match[2],
            text,
            flags=re.DOTALL,
        )

    return change


def without(name):
    return lambda text: re.sub(rf"<{name}[ >].*?</{name}>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("annotation", changed("numberOfLines", "1.5"), "no whole number"),
        ("annotation", changed("numberOfLines", "0"), "0 x "),
        ("annotation", changed("numberOfLines", "1e400"), "not finite"),
        ("annotation", changed("azimuthTimeInterval", "-1"), "azimuthTimeInterval"),
        ("annotation", changed("productFirstLineUtcTime", "yesterday"), "a time that is none"),
        ("annotation", changed("latitude", "NaN"), "latitude that is not finite"),
        ("annotation", changed("latitude", "91"), "latitude beyond 90"),
        ("annotation", changed("height", "1e9"), "height beyond"),
        ("annotation", changed("line", "7"), "not on a mesh"),
        ("annotation", changed("pixel", "0", count=0), "not on a mesh"),
        ("annotation", many("geolocationGridPoint", line=600), "more than 500 lines"),
        ("calibration", many("calibrationVector", line=600), "of calibrationVector"),
        ("noise", many("noiseAzimuthVector"), "of noiseAzimuthVector"),
        ("noise", changed("lastAzimuthLine", "1e8"), "cannot be"),
        ("annotation", changed("prf", "0", count=0), "pulse repetition"),
        ("annotation", changed("grsrCoefficients", "1 2"), "do not begin"),
        ("annotation", changed("grsrCoefficients", "8e5 -1", count=0), "no radar in orbit"),
        ("annotation", changed("gr0", "5"), "do not begin"),
        ("annotation", changed("azimuthFmRatePolynomial", "1 2"), "2 numbers in azimuthFm"),
        ("annotation", without("azimuthFmRateList"), "0 of azimuthFmRate"),
        ("annotation", without("geolocationGrid"), "0 of geolocationGridPoint"),
        ("annotation", without("coordinateConversionList"), "0 of coordinateConversion"),
        ("annotation", without("swathMergeList"), "0 of swathMerge"),
        ("annotation", without("mode"), "no mode"),
        ("calibration", changed("gamma", "1 2 3"), "3 numbers in gamma"),
        ("calibration", changed("gamma", "one"), "no number"),
        ("calibration", changed("pixel", "5 4"), "do not ascend"),
        ("calibration", changed("line", "668"), "do not ascend"),
        ("calibration", lambda text: text.replace("<gamma", "<gamme"), "no well-formed"),
        ("calibration", without("calibrationVectorList"), "0 of calibrationVector"),
        ("noise", changed("noiseRangeLut", "-1 " * 17), "numbers in noiseRangeLut|cannot be"),
        ("noise", changed("noiseAzimuthLut", "1"), "1 numbers in noiseAzimuthLut"),
        ("noise", changed("firstAzimuthLine", "99999"), "of nothing"),
        ("noise", without("noiseRangeVectorList"), "0 of noiseVector"),
    ],
)
def test_documents_that_contradict_themselves(texts, kind, change, reason):
    text = change(texts[kind])
    assert text != texts[kind]
    with pytest.raises(RefusedScene, match=reason) as refused:
        READ[kind](text.encode())
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


VALUES = ["", "nan", "inf", "-1", "1e300", "0", "x" * 50, "1 2 3", "\u202e", "2017-01-01T00:00:00"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_documents_are_read_or_refused(texts, data):
    kind = data.draw(st.sampled_from(sorted(READ)))
    text = texts[kind]
    tokens = list(re.finditer(r">([^<>]+)<", text))
    token = data.draw(st.sampled_from(tokens))
    new = data.draw(st.sampled_from(VALUES))
    text = text[: token.start(1)] + new + text[token.end(1) :]
    if data.draw(st.booleans()):
        cut = data.draw(st.integers(0, len(text)))
        text = text[:cut]
    refusal = "none"
    try:
        READ[kind](text.encode())
    except RefusedScene as reason:
        refusal = str(reason)
    assert refusal.isprintable()
