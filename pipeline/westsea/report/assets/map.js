"use strict";
/* The map of pairs, ships and scenes; there is none where nothing has a place. */
const map = (() => {
  const { COLOURS, flip, bounds } = basemap;
  let drawn = null;
  let overlay = null;
  const dots = new Map();

  function paint(pair) {
    const dot = dots.get(pair);
    if (!dot) return;
    const said = verdicts.of(pair);
    const isSelected = pair === selection.pair;
    const isShown = selection.shows(pair);
    dot.setStyle({ color: isSelected ? "#ffffff" : COLOURS[pair.kind] || COLOURS.close, weight: isSelected ? 3 : 1.5,
      fillColor: isSelected ? "#e0007a" : COLOURS[pair.kind] || COLOURS.close, fillOpacity: said ? 0.15 : 0.75,
      opacity: isShown ? 1 : 0, ...(isShown ? {} : { fillOpacity: 0 }) });
    if (isSelected) dot.bringToFront();
  }

  function draw() {
    if (!basemap.isPossible()) return;
    drawn = basemap.on("map");
    drawn.fitBounds(bounds(), { padding: [20, 20] });
    for (const scene of data.scenes) {
      for (const ring of scene.rings)
        L.polygon(flip(ring), { interactive: false, fill: false, color: COLOURS.scene, weight: 1 }).addTo(drawn);
    }
    for (const [lon, lat, length, doubted] of data.ships)
      L.circleMarker([lat, lon], { interactive: false, radius: length >= 100 ? 2.5 : 1.5, stroke: false, fillColor: COLOURS.ship, fillOpacity: doubted ? 0.3 : 0.8 }).addTo(drawn);
    for (const pair of [...pairs].reverse()) {
      const dot = L.circleMarker([pair.lat, pair.lon], { radius: 5 }).on("click", () => selection.select(pair)).addTo(drawn);
      dots.set(pair, dot);
      paint(pair);
    }
    window.addEventListener("resize", resize);
  }

  function resize() {
    if (drawn) drawn.invalidateSize();
  }

  function narrow() {
    for (const pair of pairs) paint(pair);
  }

  function move(pair, before) {
    if (before) paint(before);
    paint(pair);
    focus(pair);
  }

  function focus(pair) {
    if (!drawn) return;
    if (overlay) overlay.remove();
    overlay = null;
    const [west, south, east, north] = pair.chip.bounds;
    const box = [[south, west], [north, east]];
    const picture = pair.chip.pictures[0];
    overlay = picture ? L.imageOverlay(picture.uri, box, { className: "pixels", alt: "Chip of the pair" }) : L.rectangle(box, { fill: false, color: COLOURS.scene, weight: 1, interactive: false });
    overlay.addTo(drawn);
    if (drawn.getZoom() >= 12) drawn.setView([pair.lat, pair.lon], drawn.getZoom(), { animate: false });
    else if (!drawn.getBounds().contains([pair.lat, pair.lon])) drawn.panTo([pair.lat, pair.lon], { animate: !calm });
  }

  function zoom() {
    if (!drawn || !selection.pair) return;
    if (drawn.getZoom() >= 12) drawn.fitBounds(bounds(), { padding: [20, 20], animate: false });
    else {
      const [west, south, east, north] = selection.pair.chip.bounds;
      drawn.fitBounds([[south, west], [north, east]], { animate: false });
    }
  }

  return { draw, resize, paint, narrow, move, zoom };
})();
