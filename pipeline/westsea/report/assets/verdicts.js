"use strict";
/* Verdicts: those of the tables, and over them those of this browser until they are exported. */
const verdicts = (() => {
  const KEY = `westsea:verdicts:${data.params_hash}`;
  let own = {};
  let stored = true;
  try {
    own = JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    stored = false;
  }
  for (const [id, label] of Object.entries(own)) {
    if (!label || !(label.verdict in data.verdicts)) delete own[id];
  }
  const changed = signal();

  const of = (pair) => own[pair.id] || pair.label;

  function keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify(own));
      stored = true;
    } catch {
      stored = false;
    }
  }

  function put(pair, said) {
    own[pair.id] = {
      pair_id: pair.id, detect_id_1: pair.detect_ids[0], detect_id_2: pair.detect_ids[1], ...said,
      time: new Date().toISOString(),
    };
    keep();
  }

  function judge(pair, verdict) {
    const before = own[pair.id] || {};
    const reason = before.verdict === verdict ? before.reason : null;
    put(pair, { verdict, reason: reason || (verdict === "true" ? "sts_plausible" : null), note: before.note || null });
    changed.emit(pair);
  }

  function amend(pair, name, value) {
    const before = of(pair) || { verdict: "unsure" };
    put(pair, { verdict: before.verdict, reason: before.reason || null, note: before.note || null, [name]: value || null });
    changed.emit(pair);
  }

  function takeBack(pair) {
    if (!own[pair.id]) return;
    delete own[pair.id];
    keep();
    changed.emit(pair);
  }

  function download() {
    const labels = Object.values(own).sort((a, b) => (a.pair_id < b.pair_id ? -1 : 1));
    const text = JSON.stringify(
      { westsea_labels: 1, params_hash: data.params_hash, exported: new Date().toISOString(), labels }, null, 1);
    const link = make("a", { download: "labels.json", href: URL.createObjectURL(new Blob([text], { type: "application/json" })) });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  return { of, judge, amend, takeBack, download, areStored: () => stored, onChange: changed.connect };
})();
