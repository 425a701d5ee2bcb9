// What the menu of a row offers besides a choice: how many minutes late or early, and leave in advance.
// Minutes are part of the row's value: "late:20" = 20 minutes late. Sent are the minutes that count.
(function () {
  "use strict";
  const HOW = { late: "迟到", left_early: "早退" };

  function kind(code) { return code.split(":")[0]; }
  function missed(code) {
    const text = code.split(":")[1] || "";
    return HOW[kind(code)] && /^\d+$/.test(text) ? Number(text) : 0;
  }
  function label(code) { return missed(code) ? HOW[kind(code)] + missed(code) + "分钟" : ""; }
  // The value without its minutes: which chip is the pressed one.
  function plain(code) { return missed(code) ? kind(code) : code; }
  // As the page writes what is stored, or waits on the phone; `minutes` of it count, of `whole`.
  function codeOf(one, whole) {
    if (one.reason) return one.status + ":" + one.reason;
    const minutes = HOW[one.status] && whole && one.minutes ? whole - one.minutes : 0;
    return minutes > 0 ? one.status + ":" + minutes : one.status;
  }
  // What is sent of a value: {status, reason, minutes}.
  function said(code, whole) {
    const minutes = missed(code);
    return { status: kind(code), reason: minutes ? "" : code.split(":")[1] || "", minutes: minutes && whole ? whole - minutes : null };
  }

  function make(row, whole, done) {
    const box = document.createElement("label");
    const input = document.createElement("input");
    const wrong = document.createElement("span");
    box.className = "register-minutes";
    input.className = "form-control input-count";
    input.inputMode = "numeric";
    input.autocomplete = "off";
    input.maxLength = 4;
    input.placeholder = "可不填";
    wrong.className = "field-error";
    wrong.setAttribute("role", "status");
    box.append(document.createElement("span"), input, "分钟", wrong);
    input.addEventListener("input", function () {
      const text = input.value.normalize("NFKC").trim();
      const isRight = /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) < whole;
      wrong.textContent = text && !isRight ? "填1到" + (whole - 1) + "之间的整数" : "";
      input.setAttribute("aria-invalid", String(Boolean(wrong.textContent)));
      done(isRight ? Number(text) : 0);
    });
    // Enter would hand in the whole register.
    input.addEventListener("keydown", function (event) { if (event.key === "Enter") event.preventDefault(); });
    row.append(box);
    return box;
  }
  // The field stands open once somebody chose 迟到 or 早退; left empty the whole class counts.
  function ask(row, code, whole, done) {
    const how = HOW[kind(code)];
    const box = row.querySelector(".register-minutes") || (how && whole > 1 ? make(row, whole, done) : null);
    if (!box) return;
    const input = box.querySelector("input");
    box.hidden = !how;
    if (!how) return;
    box.firstChild.textContent = how + "几分钟";
    if (document.activeElement !== input) input.value = missed(code) || "";
  }

  function leaveLink(address, entry) {
    const link = document.createElement("a");
    link.className = "choice-button";
    link.target = "_blank";
    link.rel = "noopener";
    link.href = address.replace("/0/", "/" + entry + "/") + "#leave";
    link.textContent = "提前请假";
    return link;
  }

  function panel(row, name, entries) {
    let box = row.querySelector("." + name);
    if (box) return box;
    box = document.createElement("div");
    box.className = "register-reasons choices " + name;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", name === "register-why" ? "没来的原因" : "怎么来的");
    entries.forEach(function (entry) {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.className = "choice-button";
      chip.dataset.code = entry[0];
      chip.textContent = entry[1];
      box.append(chip);
    });
    row.append(box);
    return box;
  }
  // Made here, not in the page: five hundred of them would weigh on one bar of signal.
  function addMenu(row) {
    const more = document.createElement("button");
    more.type = "button";
    more.className = "register-more";
    more.textContent = "…";
    more.setAttribute("aria-expanded", "false");
    more.setAttribute("aria-label", row.querySelector(".register-person").textContent + "：迟到、早退、线上、异地");
    row.querySelector(".register-line").append(more);
  }

  window.registerRow = { addMenu: addMenu, ask: ask, codeOf: codeOf, label: label, leaveLink: leaveLink, panel: panel, plain: plain, said: said };
})();
