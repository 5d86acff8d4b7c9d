"use strict";
/* What lies under both maps: coast, graticule, area of interest. */
const basemap = (() => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const COLOURS = dark
    ? { land: "#3b3a33", shore: "#8d8672", grid: "#2f4658", scene: "#7e97a8", aoi: "#e0a84e", alongside: "#ff8a7d", close: "#7cbcff", ship: "#90a4b0" }
    : { land: "#d9d3c4", shore: "#8d8672", grid: "#b7cad8", scene: "#5b6f80", aoi: "#8a5300", alongside: "#b3261e", close: "#0b57a4", ship: "#5c7180" };
  const flip = (ring) => ring.map(([lon, lat]) => [lat, lon]);

  const isPossible = () => Boolean(data.box) && typeof L !== "undefined";

  function on(id) {
    const found = L.map(id, { preferCanvas: true, attributionControl: false, zoomSnap: 0.25, maxZoom: 18, keyboard: true,
      zoomAnimation: !calm, fadeAnimation: !calm, markerZoomAnimation: !calm, inertia: !calm });
    L.control.scale({ imperial: false }).addTo(found);
    found.createPane("low").style.zIndex = 250;
    const low = L.canvas({ pane: "low" });
    L.polygon(data.coast.map((ring) => [flip(ring)]), { renderer: low, pane: "low", interactive: false, color: COLOURS.shore, weight: 0.8, fillColor: COLOURS.land, fillOpacity: 1, smoothFactor: 0.5 }).addTo(found);
    graticule(found, low);
    for (const ring of data.aoi) L.polygon(flip(ring), { renderer: low, pane: "low", interactive: false, fill: false, color: COLOURS.aoi, weight: 1.5, dashArray: "7 5" }).addTo(found);
    return found;
  }

  function graticule(of, renderer) {
    const lines = L.layerGroup().addTo(of);
    const draw = () => {
      lines.clearLayers();
      const b = of.getBounds(), span = Math.max(b.getEast() - b.getWest(), 0.001);
      const by = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((each) => span / each <= 6) || 20;
      const digits = by >= 1 ? 0 : by >= 0.1 ? 1 : by >= 0.01 ? 2 : 3;
      const style = { renderer, pane: "low", interactive: false, color: COLOURS.grid, weight: 1, opacity: 0.8 };
      const label = (at, text) => lines.addLayer(L.tooltip({ permanent: true, direction: "right", offset: [0, 0], className: "grat", interactive: false }).setLatLng(at).setContent(make("span", {}, text)));
      for (let x = Math.ceil(b.getWest() / by) * by; x <= b.getEast(); x += by) {
        lines.addLayer(L.polyline([[b.getSouth(), x], [b.getNorth(), x]], style));
        label([b.getNorth() - (b.getNorth() - b.getSouth()) * 0.03, x], `${Math.abs(x).toFixed(digits)}°${x < 0 ? "W" : "E"}`);
      }
      for (let y = Math.ceil(b.getSouth() / by) * by; y <= b.getNorth(); y += by) {
        lines.addLayer(L.polyline([[y, b.getWest()], [y, b.getEast()]], style));
        label([y, b.getWest()], `${Math.abs(y).toFixed(digits)}°${y < 0 ? "S" : "N"}`);
      }
    };
    of.on("moveend", draw);
  }

  function bounds() {
    const b = L.latLngBounds([]);
    for (const scene of data.scenes) for (const ring of scene.rings) b.extend(flip(ring));
    return b.isValid() ? b : L.latLngBounds([[data.box[1], data.box[0]], [data.box[3], data.box[2]]]);
  }

  return { COLOURS, flip, isPossible, on, bounds };
})();
