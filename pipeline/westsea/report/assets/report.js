"use strict";
/* What follows from a verdict or a move, the keys, and the beginning. */
(() => {
  verdicts.onChange((pair) => {
    tally.show();
    list.refresh(pair);
    map.paint(pair);
    detail.refresh(pair);
  });
  selection.onNarrow(() => {
    list.narrow();
    map.narrow();
  });
  selection.onMove((pair, before) => {
    list.move(pair, before);
    detail.show(pair);
    map.move(pair, before);
  });

  function judge(verdict) {
    if (selection.pair) verdicts.judge(selection.pair, verdict);
  }

  function judgeAndGoOn(verdict) {
    judge(verdict);
    if (!selection.isAtEnd()) selection.step(1);
  }

  function takeBack() {
    if (selection.pair) verdicts.takeBack(selection.pair);
  }

  function turnTo(name) {
    for (const each of ["pairs", "run"]) {
      $(`page-${each}`).hidden = each !== name;
      $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
      $(`tab-${each}`).tabIndex = each === name ? 0 : -1;
    }
    if (name === "run") run.show();
    else map.resize();
  }

  // -- keys

  const help = $("help");
  const openHelp = () => { if (!help.open) help.showModal(); };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) { event.target.blur(); $("list").focus(); return; }
    if (typing) return;
    if (["ArrowDown", "ArrowUp"].includes(event.key) && event.target.closest("#map, #run-map, [role=tablist]")) return;
    const onPairs = !$("page-pairs").hidden;
    const act = {
      "?": openHelp, "1": () => turnTo("pairs"), "2": () => turnTo("run"), e: verdicts.download,
      ...(onPairs && {
        j: () => selection.step(1), k: () => selection.step(-1),
        ArrowDown: () => selection.step(1), ArrowUp: () => selection.step(-1),
        Home: () => selection.step(-pairs.length), End: () => selection.step(pairs.length),
        t: () => judge("true"), f: () => judge("false"), u: () => judge("unsure"),
        T: () => judgeAndGoOn("true"), F: () => judgeAndGoOn("false"), U: () => judgeAndGoOn("unsure"), x: takeBack,
        r: () => $("reason").focus(), n: () => $("note").focus(), "/": filters.open,
        z: map.zoom, o: detail.toggleOutlines,
      }),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  $("help-open").addEventListener("click", openHelp);
  $("export").addEventListener("click", verdicts.download);
  for (const name of ["pairs", "run"]) {
    $(`tab-${name}`).addEventListener("click", () => turnTo(name));
    $(`tab-${name}`).addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = name === "pairs" ? "run" : "pairs";
      turnTo(other);
      $(`tab-${other}`).focus();
    });
  }

  // -- begin

  $("subtitle").textContent = `${pairs.length} candidate pairs in ${data.scenes.length} scenes · ${data.out}`;
  const credits = [...new Set(data.sources.map((source) => source.credit))];
  $("credit").textContent = `${data.coast_credit}. Map: Leaflet 1.9.4. ${credits.join(" ")}`;
  for (const [name, flag] of Object.entries(data.flags))
    $("help-flags").append(make("dt", {}, `${name} (${flag.doubt ? "doubt" : "remark"})`), make("dd", {}, `${flag.meaning}.`));
  list.fill();
  map.draw();
  filters.apply();
  tally.show();
  const wanted = decodeURIComponent((location.hash.match(/pair=([^&]*)/) || [])[1] || "");
  const start = pairs.find((pair) => pair.id === wanted) || pairs[0];
  if (start) selection.select(start);
  else $("detail").append(make("p", { class: "empty" }, "No pair was found. The second page says what was looked at."));
  // After the first pair, so that opening a report leaves its address alone.
  selection.onMove((pair) => history.replaceState(null, "", `#pair=${encodeURIComponent(pair.id)}`));
  document.body.dataset.ready = "yes";
})();
