"""The manifest of a simulated product: its platform, pass, times and files."""

from collections.abc import Mapping

from westsea_catalog.archive.frame import Float
from westsea_catalog.archive.hulls import Polarization
from westsea_catalog.archive.scenes import RadarScene

IPF = "002.91"
"""Version of the processor that the simulated products have the form of."""


def manifest_xml(
    scene: RadarScene, stems: Mapping[Polarization, str], corners: tuple[Float, Float]
) -> str:
    """The manifest of a product whose bands have these file names; corners (lon, lat) in turn."""
    lon, lat = corners
    footprint = " ".join(f"{y:.6f},{x:.6f}" for x, y in zip(lon, lat, strict=True))
    polarizations = "".join(
        f"<s1sarl1:transmitterReceiverPolarisation>{name}</s1sarl1:transmitterReceiverPolarisation>"
        for name in stems
    )
    files = "\n    ".join(
        f'<dataObject ID="{kind}{stem.replace("-", "")}" repID="{schema}">'
        f'<byteStream mimeType="{mime}"><fileLocation locatorType="URL" href="{href}"/>'
        "</byteStream></dataObject>"
        for stem in stems.values()
        for kind, schema, mime, href in _files(stem)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xfdu:XFDU xmlns:gml="http://www.opengis.net/gml" xmlns:xfdu="urn:ccsds:schema:xfdu:1"
  xmlns:safe="http://www.esa.int/safe/sentinel-1.0"
  xmlns:s1="http://www.esa.int/safe/sentinel-1.0/sentinel-1"
  xmlns:s1sarl1="http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-1">
  <metadataSection>
    {
        _object(
            "processing",
            f'''<safe:processing name="GRD Post Processing">
      <safe:facility name="simulated"><safe:software name="Sentinel-1 IPF" version="{IPF}"/>
      </safe:facility></safe:processing>''',
        )
    }
    {
        _object(
            "platform",
            '''<safe:platform><safe:familyName>SENTINEL-1</safe:familyName>
      <safe:number>A</safe:number><safe:instrument><safe:extension><s1sarl1:instrumentMode>
      <s1sarl1:mode>IW</s1sarl1:mode></s1sarl1:instrumentMode></safe:extension></safe:instrument>
      </safe:platform>''',
        )
    }
    {
        _object(
            "measurementOrbitReference",
            f'''<safe:orbitReference>
      <safe:orbitNumber type="start">{scene.absolute_orbit}</safe:orbitNumber><safe:extension>
      <s1:orbitProperties><s1:pass>{"ASCENDING" if scene.ascending else "DESCENDING"}</s1:pass>
      </s1:orbitProperties></safe:extension></safe:orbitReference>''',
        )
    }
    {
        _object(
            "generalProductInformation",
            f'''<s1sarl1:standAloneProductInformation>
      {polarizations}<s1sarl1:productType>GRD</s1sarl1:productType>
      </s1sarl1:standAloneProductInformation>''',
        )
    }
    {
        _object(
            "acquisitionPeriod",
            f'''<safe:acquisitionPeriod>
      <safe:startTime>{scene.start:%Y-%m-%dT%H:%M:%S.%f}</safe:startTime>
      <safe:stopTime>{scene.end:%Y-%m-%dT%H:%M:%S.%f}</safe:stopTime></safe:acquisitionPeriod>''',
        )
    }
    {
        _object(
            "measurementFrameSet",
            f'''<safe:frameSet><safe:frame><safe:footPrint>
      <gml:coordinates>{footprint}</gml:coordinates></safe:footPrint></safe:frame>
      </safe:frameSet>''',
        )
    }
  </metadataSection>
  <dataObjectSection>
    {files}
  </dataObjectSection>
</xfdu:XFDU>
"""


def _object(name: str, data: str) -> str:
    return (
        f'<metadataObject ID="{name}"><metadataWrap mimeType="text/xml"><xmlData>{data}'
        "</xmlData></metadataWrap></metadataObject>"
    )


def _files(stem: str) -> list[tuple[str, str, str, str]]:
    """Id prefix, schema, type and place of the files of a band."""
    xml, tiff = "text/xml", "application/octet-stream"
    return [
        ("product", "s1Level1ProductSchema", xml, f"./annotation/{stem}.xml"),
        (
            "calibration",
            "s1Level1CalibrationSchema",
            xml,
            f"./annotation/calibration/calibration-{stem}.xml",
        ),
        ("noise", "s1Level1NoiseSchema", xml, f"./annotation/calibration/noise-{stem}.xml"),
        ("", "s1Level1MeasurementSchema", tiff, f"./measurement/{stem}.tiff"),
    ]
