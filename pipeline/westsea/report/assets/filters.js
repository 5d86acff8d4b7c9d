"use strict";
/* The form of filters, which narrows the selection. */
const filters = (() => {
  const flagWants = {};

  function passes(pair) {
    const text = $("f-text").value.trim().toLowerCase();
    if (text) {
      const said = verdicts.of(pair) || {};
      const all = [pair.id, ...pair.detect_ids, data.sources[pair.source].item, pair.kind, pair.date, pair.raft, ...pair.flags, said.note, said.reason].join(" ").toLowerCase();
      if (!all.includes(text)) return false;
    }
    const is = (id, value) => !$(id).value || $(id).value === value;
    if (!is("f-kind", pair.kind) || !is("f-sensor", pair.sensor) || !is("f-pass", pair.pass)) return false;
    if (!is("f-verdict", (verdicts.of(pair) || { verdict: "none" }).verdict)) return false;
    if (pair.score < Number($("f-score").value || 0)) return false;
    if ((pair.length || 0) < Number($("f-length").value || 0)) return false;
    if ($("f-from").value && pair.date < $("f-from").value) return false;
    if ($("f-to").value && pair.date > $("f-to").value) return false;
    return Object.entries(flagWants).every(([flag, want]) => !want || pair.flags.includes(flag) === (want === "with"));
  }

  const apply = () => selection.narrow(pairs.filter(passes));

  function choices(id, values) {
    $(id).append(...[...new Set(values)].sort().map((value) => make("option", {}, value)));
  }

  function flagButtons() {
    const used = new Set(pairs.flatMap((pair) => pair.flags));
    for (const flag of Object.keys(data.flags).filter((each) => used.has(each))) {
      const button = make("button", { type: "button", title: data.flags[flag].meaning }, flag);
      const show = () => {
        const want = flagWants[flag] || "";
        button.dataset.want = want;
        button.setAttribute("aria-label", `${flag}: ${want ? { with: "only with", without: "only without" }[want] : "either"}`);
      };
      button.addEventListener("click", () => {
        flagWants[flag] = { "": "with", with: "without", without: "" }[flagWants[flag] || ""];
        show();
        apply();
      });
      show();
      button.westseaReset = () => { flagWants[flag] = ""; show(); };
      $("f-flags").append(button);
    }
  }

  function open() {
    $("filters").open = true;
    $("f-text").focus();
    $("f-text").select();
  }

  choices("f-sensor", pairs.map((pair) => pair.sensor));
  choices("f-pass", pairs.map((pair) => pair.pass));
  flagButtons();
  $("filter").addEventListener("input", apply);
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  $("filter").addEventListener("reset", () => {
    for (const button of $("f-flags").children) button.westseaReset();
    setTimeout(apply);
  });

  return { apply, open };
})();
