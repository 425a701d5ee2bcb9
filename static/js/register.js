// The register. The page is a plain form of one <select> per person and works as that;
// this file turns each row into one big button and sends the marks without leaving the page.
// The selects stay the only place where a mark is shown, so both ways send the same. What is handed in goes into
// the outbox of the phone (outbox.js) first. The page a phone keeps for itself starts it too: offline-page.js.
(function () {
  "use strict";
function start(form) {
  const outbox = window.outbox;
  const session = Number(form.dataset.session);
  const rows = Array.from(form.querySelectorAll(".register-row[data-part]"));
  const button = form.querySelector("[data-submit]");
  const REASONS = [["AWAY", "外出"], ["ILL", "生病"], ["PRIVATE", "有事"], ["DUTY", "公务"], ["UNKNOWN", "没说"]];
  const HOW = [["late", "迟到"], ["left_early", "早退"], ["online", "线上"], ["elsewhere", "异地"], ["unmarked", "未登记"]];
  const CAME = ["present", "late", "left_early", "online", "elsewhere"];
  const extra = window.registerRow;
  const whole = Number(form.dataset.minutes || 0);   // minutes a whole class is worth
  const LOOKS = { present: "present", online: "present", elsewhere: "present", late: "late", left_early: "late", leave: "leave", absent: "absent", unmarked: "unmarked" };
  let sending = false;   // the button was pressed and the answer is not there yet
  let wanted = false;    // pressed on this page: when all is stored, the page goes on to the outcome
  let changed = false;   // tapped since
  let answered = [];

  // --- One row -------------------------------------------------------------------
  function choice(row) { return row.querySelector("select"); }
  function kind(row) { return choice(row).value.split(":")[0]; }
  function came(row) { return CAME.indexOf(kind(row)) >= 0; }
  function isOptional(row) { return row.dataset.part !== "EXPECTED"; }

  function words(row) {
    const code = choice(row).value;
    if (code === "absent") return "没来";
    if (code === "unmarked" && row.dataset.part === "OPTIONAL") return "不作要求";
    return choice(row).selectedOptions[0].text;
  }

  function paint(row) {
    const state = kind(row);
    row.className = "register-row is-" + LOOKS[state];
    row.querySelector(".register-state").textContent = words(row);
    row.querySelector(".register-name").setAttribute("aria-pressed", String(state === "absent" || state === "leave"));
    row.querySelectorAll("[data-code]").forEach(function (chip) {
      chip.setAttribute("aria-pressed", String(chip.dataset.code === extra.plain(choice(row).value)));
    });
    if (row.querySelector(".register-minutes")) askMinutes(row);
  }

  function set(row, code) {
    choice(row).value = code;
    paint(row);
    count();
    touched();
  }

  function askMinutes(row) {
    extra.ask(row, choice(row).value, whole, function (minutes) {
      choose(choice(row), kind(row) + (minutes ? ":" + minutes : ""));
      touched();
    });
  }
  function reasonCode(reason) { return (reason === "UNKNOWN" ? "absent:" : "leave:") + reason; }
  function showReasons(row, open) {
    if (open) extra.panel(row, "register-why", REASONS.map(function (r) { return [reasonCode(r[0]), r[1]]; })).hidden = false;
    else row.querySelectorAll(".register-reasons").forEach(function (box) { box.hidden = true; });
  }
  function showHow(row) {
    const more = row.querySelector(".register-more");
    const box = extra.panel(row, "register-how", HOW);
    const open = more.getAttribute("aria-expanded") !== "true";
    if (form.dataset.entry && !box.querySelector("a")) box.append(extra.leaveLink(form.dataset.entry, parts(choice(row))[1]));
    box.hidden = !open;
    more.setAttribute("aria-expanded", String(open));
    if (open) askMinutes(row);
    paint(row);
  }

  function tap(row) {
    if (kind(row) === "unmarked" || !came(row)) set(row, row.dataset.part === "OPTIONAL" && came(row) ? "unmarked" : "present");
    else set(row, isOptional(row) ? "unmarked" : "absent");
    showReasons(row, kind(row) === "absent");
    row.querySelector(".register-more").setAttribute("aria-expanded", "false");
    paint(row);
  }

  function chip(row, code) {
    const again = extra.plain(choice(row).value) === code;
    set(row, again ? (code.indexOf("leave") === 0 || code.indexOf("absent:") === 0 ? "absent" : "present") : code);
    const more = row.querySelector(".register-more");
    if (!again && row.querySelector(".register-how:not([hidden])")) {
      row.querySelector(".register-how").hidden = true;
      more.setAttribute("aria-expanded", "false");
    }
    if (came(row) || kind(row) === "unmarked") showReasons(row, false);
    askMinutes(row);
  }

  form.addEventListener("click", function (event) {
    const row = event.target.closest(".register-row[data-part]");
    if (!row) return;
    if (event.target.closest(".register-name")) tap(row);
    else if (event.target.closest(".register-more")) showHow(row);
    else if (event.target.closest("[data-code]")) chip(row, event.target.closest("[data-code]").dataset.code);
  });

  // Arrow keys walk the list, 1-5 pick the reason of the row in focus.
  form.addEventListener("keydown", function (event) {
    const row = event.target.closest(".register-row[data-part]");
    if (!row || event.target.matches("input") || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const reason = REASONS[Number(event.key) - 1];
    if (step) {
      const shown = rows.filter(function (other) { return other.offsetParent !== null; });
      const next = shown[shown.indexOf(row) + step];
      if (next) next.querySelector(".register-name").focus();
    } else if (reason && !isOptional(row)) {
      showReasons(row, true);
      set(row, reasonCode(reason[0]));
    } else return;
    event.preventDefault();
  });

  // --- The counts ----------------------------------------------------------------
  const heads = form.elements.counted_heads;
  function put(name, value) {
    form.querySelectorAll('[data-count="' + name + '"]').forEach(function (place) { place.textContent = value; });
  }
  function picked() { return Array.from(form.querySelectorAll("#visitors input:checked")); }
  function count() {
    const sums = { expected: 0, attended: 0, leave: 0, absent: 0, unmarked: 0, extra: picked().length };
    rows.forEach(function (row) {
      if (isOptional(row)) { sums.extra += came(row) ? 1 : 0; return; }
      sums.expected += 1;
      sums[came(row) ? "attended" : kind(row)] += 1;
    });
    Object.keys(sums).forEach(function (name) { put(name, sums[name]); });
    put("missing", sums.leave + sums.absent);
    form.querySelectorAll("[data-if]").forEach(function (place) { place.hidden = !sums[place.dataset.if]; });
    compare(sums.attended + sums.extra);
  }
  function compare(there) {
    const note = document.getElementById("heads-note");
    if (!heads || !note) return;
    const counted = heads.value.trim();
    const differs = /^\d+$/.test(counted) && Number(counted) !== there;
    note.hidden = !differs;
    if (differs) note.querySelector("div").textContent = "数的是" + Number(counted) + "人，登记出席" + there + "人。请再看一遍名单；确实如此就照样提交。";
  }
  if (heads) heads.addEventListener("input", count);

  // --- Handing in ------------------------------------------------------------------
  function fields() { return Array.from(form.querySelectorAll(".register-row select")).concat(picked()); }
  function parts(field) { return /^m(\d+)\.(\d+)(?:\.(.+))?$/.exec(field.name); }
  // Only what differs from what the page knows to be stored, or to be on its way.
  function isNew(field) {
    const name = parts(field);
    return name && field.value !== name[3];
  }
  function personOf(field) {
    const row = field.closest(".register-row");
    return row ? row.querySelector(".register-person").textContent : (field.closest("li") || form).textContent.trim().split(/\s/)[0];
  }
  function mark(field) {
    const name = parts(field);
    return Object.assign({ entry: Number(name[1]), name: personOf(field), base: Number(name[2]) }, extra.said(field.value, whole));
  }
  function newHeads() {
    const text = heads ? heads.value.trim() : "";
    return /^\d+$/.test(text) && text !== heads.defaultValue ? Number(text) : null;
  }
  // Taps nobody handed in yet: what differs from what is stored, or on its way, or stood here at first.
  function tellTapped() {
    const open = fields().filter(function (field) {
      const name = parts(field);
      return name && field.value !== (name[3] || field.dataset.first);
    });
    window.dispatchEvent(new CustomEvent("register:tapped", { detail: open.length }));
  }
  // This value is stored, or on its way: left as it is, it is not sent again.
  function know(field, version, code) { field.name = "m" + parts(field)[1] + "." + version + "." + code; }

  const bar = document.getElementById("send-state");
  function say(text, level, extra) {
    bar.hidden = !text;
    bar.className = "send-state notice notice-" + level;
    const box = document.createElement("div");
    box.textContent = text;
    if (extra) box.append(" ", extra);
    bar.textContent = "";
    bar.append(box);
  }
  function label(text) { button.querySelector("[data-label]").textContent = text; }
  function busy(on) {
    sending = on;
    button.disabled = on;
    label(on ? "正在发送…" : button.dataset.idle);
  }
  let writing = null;
  function waits(on) {
    form.classList.toggle("is-waiting", on);
    label(on ? "没发出去，点这里重发" : button.dataset.idle);
  }
  function touched() {
    changed = true;
    if (!sending) waits(false);
    tellTapped();
    if (window.house) window.house.markChanged(form);
    clearTimeout(writing);
    writing = setTimeout(function () { outbox.draft(session, taps()); }, 300);
  }
  // What was tapped and not handed in yet survives a phone that closes the page by itself.
  function taps() {
    const values = {};
    form.querySelectorAll(".register-row select").forEach(function (field) {
      const name = parts(field);
      if (name && field.value !== field.dataset.first) values[name[1]] = [Number(name[2]), field.value];
    });
    return values;
  }
  function loginLink() {
    const link = document.createElement("a");
    link.href = form.dataset.login;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = "在新页面登录";
    return link;
  }

  function send() {
    if (sending) return;
    clearTimeout(writing);
    const marks = fields().filter(isNew);
    const counted = newHeads();
    outbox.look().then(function (now) {
      if (!marks.length && counted === null && !owed(now)) return say("没有改动，不用提交。", "info");
      busy(true);
      wanted = true;
      say("", "info");
      return keep(marks, counted).then(function () { return outbox.sync({ live: true, urgent: true }); }).then(show);
    });
  }
  function keep(marks, counted) {
    changed = false;
    if (!marks.length && counted === null) return Promise.resolve();
    answered = [];
    const sent = { session: session, title: form.dataset.title, marks: marks.map(mark), heads: counted };
    return outbox.add(sent).then(function () {
      marks.forEach(function (field) { know(field, parts(field)[2], field.value); });
      if (counted !== null) heads.defaultValue = heads.value.trim();
      if (window.house && !changed) window.house.markSaved(form);
      tellTapped();
      return outbox.draft(session, null);
    });
  }
  function owed(now) {
    const here = function (one) { return one.account === now.account && one.session === session; };
    const open = now.state.marks.concat(now.state.heads).filter(here).length;
    return now.state.sealed.filter(here).reduce(function (sum, batch) { return sum + batch.marks.length + (batch.heads ? 1 : 0); }, open);
  }
  // Where the sending stands, in one line above the button.
  function show() {
    return outbox.look().then(function (now) {
      const left = owed(now);
      const waited = form.classList.contains("is-waiting");
      form.classList.remove("is-waiting");
      if (!left && wanted && answered.length && !changed) return finish();
      if (!left && waited) say("", "info");
      if (!left) return busy(false);
      if (!sending && !wanted) return null;
      busy(false);
      if (!changed) waits(true);
      const where = outbox.isDurable() ? "存在这台手机里，没有丢" : "还在这一页上，没有丢，先不要关";
      if (now.sums.login) return say("登录过期了，" + left + "条" + where + "。登录后自动上传。", "warn", loginLink());
      const why = navigator.onLine === false || now.state.pause.tries === 0 || lastOutcome !== "busy" ? "没有网络" : "服务器没有回应";
      return say(why + "，" + left + "条" + where + "。有了信号自动上传，不会重复登记。", "warn");
    });
  }
  function finish() {
    busy(false);
    button.disabled = true;
    label("已登记");
    say("已登记。", "good");
    if (window.house) window.house.markSaved(form);
    const query = answered.map(function (batch) { return "batch=" + batch; }).join("&");
    window.location.assign(form.dataset.done + "?" + query);
  }

  // --- What comes back, also later and by itself -----------------------------------------
  let lastOutcome = "";
  window.addEventListener("outbox:answered", function (event) {
    const told = event.detail;
    lastOutcome = told.outcome;
    if (told.session !== session) return;
    if (told.outcome === "stored") answered.push(told.batch);
    told.updates.forEach(hear);
    if (told.outcome === "refused") giveBack(told.text);
    else if (!sending) show();
  });
  function hear(one) {
    fields().forEach(function (field) {
      const name = parts(field);
      if (!name || Number(name[1]) !== one.entry || !one.status || one.outcome === "held") return;
      const code = extra.codeOf(one, whole);
      const tapped = field.value !== name[3];
      know(field, one.version, code);
      if (tapped || field.type === "checkbox") return;
      choose(field, code);
    });
    count();
  }
  function choose(field, code) {
    const has = Array.from(field.options).some(function (option) { return option.value === code; });
    if (!has) field.add(new Option(extra.label(code) || (code.split(":")[0] === "leave" ? "请假" : "缺席"), code));
    field.value = code;
    paint(field.closest(".register-row"));
  }
  // Refused as a whole: on the page it is as it was before the button was pressed.
  function giveBack(text) {
    wanted = false;
    fields().forEach(function (field) {
      const name = parts(field);
      if (name && field.value !== field.dataset.first) field.name = "m" + name[1] + "." + name[2];
    });
    busy(false);
    tellTapped();
    say(text || "没有登记：这场培训找不到了，或者内容不对。请刷新页面再看。", "warn");
  }

  // No submit button any more: the page's own double-tap brake would hold back the resend as well.
  button.type = "button";
  button.addEventListener("click", send);
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    send();
  });
  // Coming back by the browser's button: what is shown may be older than what was stored.
  window.addEventListener("pageshow", function (event) { if (event.persisted && answered.length) window.location.reload(); });

  // --- What this phone still knows better ---------------------------------------------------
  function overlay(now) {
    const waiting = window.outboxCore.waiting(now.state, now.account, session);
    form.querySelectorAll(".register-row select").forEach(function (field) {
      const mine = waiting[Number(parts(field)[1])];
      if (!mine) return;
      const code = extra.codeOf(mine, whole);
      choose(field, code);
      know(field, mine.base, code);
    });
  }
  function restore(draft) {
    if (!draft) return;
    let found = 0;
    form.querySelectorAll(".register-row select").forEach(function (field) {
      const name = parts(field);
      const kept = draft.values[name[1]];
      // Somebody else was there since: then the page is right, not the old tap.
      if (!kept || kept[0] !== Number(name[2]) || kept[1] === field.value) return;
      choose(field, kept[1]);
      found += 1;
    });
    if (!found) return;
    changed = true;
    if (window.house) window.house.markChanged(form);
    say("上次点了还没提交的" + found + "人，已经按上次的点好。看一眼，再提交。", "info");
  }
  function remember() {
    return (form.dataset.kept ? Promise.resolve() : outbox.update(function (now, who) {
      return window.outboxCore.fresh(now, who, session);
    })).then(outbox.look).then(overlay).then(function () { return outbox.readDraft(session); }).then(restore).then(count).then(tellTapped);
  }

  form.classList.add("is-live");
  rows.forEach(function (row) { extra.addMenu(row); paint(row); choice(row).dataset.first = choice(row).value; });
  window.registerFind(form, rows);
  if (window.registerVisitors) window.registerVisitors(form, function () { count(); touched(); });
  count();
  remember();
}

  window.startRegister = start;
  const here = document.getElementById("register-form");
  // A browser that cannot read outbox.js keeps the plain form, which works.
  if (!window.outbox) document.documentElement.classList.remove("js");
  else if (here) start(here);
})();
