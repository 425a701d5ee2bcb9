// The register. The page is a plain form of one <select> per person and works as that;
// this file turns each row into one big button and sends the marks without leaving the page.
// The selects stay the only place where a mark is kept, so both ways send the same.
(function () {
  "use strict";
  const form = document.getElementById("register-form");
  if (!form) return;
  const rows = Array.from(form.querySelectorAll(".register-row[data-part]"));
  const button = form.querySelector("[data-submit]");
  const storageKey = "register:" + form.dataset.session;
  const REASONS = [["AWAY", "外出"], ["ILL", "生病"], ["PRIVATE", "有事"], ["DUTY", "公务"], ["UNKNOWN", "没说"]];
  const HOW = [["late", "迟到"], ["left_early", "早退"], ["online", "线上"], ["elsewhere", "异地"], ["unmarked", "未登记"]];
  const CAME = ["present", "late", "left_early", "online", "elsewhere"];
  const LOOKS = { present: "present", online: "present", elsewhere: "present", late: "late", left_early: "late", leave: "leave", absent: "absent", unmarked: "unmarked" };
  const TIMEOUT = 20000;
  let sending = false;

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
      chip.setAttribute("aria-pressed", String(chip.dataset.code === choice(row).value));
    });
  }

  function set(row, code) {
    choice(row).value = code;
    paint(row);
    count();
    if (window.house) window.house.markChanged(form);
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
  function reasonCode(reason) { return (reason === "UNKNOWN" ? "absent:" : "leave:") + reason; }
  function showReasons(row, open) {
    if (open) panel(row, "register-why", REASONS.map(function (r) { return [reasonCode(r[0]), r[1]]; })).hidden = false;
    else row.querySelectorAll(".register-reasons").forEach(function (box) { box.hidden = true; });
  }
  function showHow(row) {
    const more = row.querySelector(".register-more");
    const box = panel(row, "register-how", HOW);
    const open = more.getAttribute("aria-expanded") !== "true";
    box.hidden = !open;
    more.setAttribute("aria-expanded", String(open));
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
    const again = choice(row).value === code;
    set(row, again ? (code.indexOf("leave") === 0 || code.indexOf("absent:") === 0 ? "absent" : "present") : code);
    const more = row.querySelector(".register-more");
    if (!again && row.querySelector(".register-how:not([hidden])")) {
      row.querySelector(".register-how").hidden = true;
      more.setAttribute("aria-expanded", "false");
    }
    if (came(row) || kind(row) === "unmarked") showReasons(row, false);
  }

  form.addEventListener("click", function (event) {
    const row = event.target.closest(".register-row[data-part]");
    if (!row || form.classList.contains("is-waiting")) return;
    if (event.target.closest(".register-name")) tap(row);
    else if (event.target.closest(".register-more")) showHow(row);
    else if (event.target.closest("[data-code]")) chip(row, event.target.closest("[data-code]").dataset.code);
  });

  // Arrow keys walk the list, 1-5 pick the reason of the row in focus.
  form.addEventListener("keydown", function (event) {
    const row = event.target.closest(".register-row[data-part]");
    if (!row || event.ctrlKey || event.altKey || event.metaKey || form.classList.contains("is-waiting")) return;
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

  // --- Finding a name ------------------------------------------------------------
  const find = document.getElementById("register-find");
  function filterNames() {
    const text = find.value.trim().toLowerCase();
    rows.forEach(function (row) {
      const name = row.querySelector(".register-person").textContent;
      const at = (row.dataset.initials || "").indexOf(text); // 1: the given name's own
      row.hidden = Boolean(text) && name.indexOf(text) < 0 && (at < 0 || at > 1);
    });
    form.querySelectorAll("[data-group]").forEach(function (group) {
      group.hidden = !group.querySelector(".register-row:not([hidden])");
    });
    document.getElementById("register-none").hidden = Boolean(form.querySelector("[data-group]:not([hidden])"));
    if (text) form.querySelectorAll("details[data-group]").forEach(function (box) { box.open = !box.hidden; });
  }
  if (find) {
    find.addEventListener("input", filterNames);
    find.addEventListener("keydown", function (event) { if (event.key === "Enter") event.preventDefault(); });
  }
  // A found visitor that was ticked stays when the next name is looked up.
  const visitors = document.getElementById("visitors");
  if (visitors) visitors.addEventListener("change", function (event) {
    const line = event.target.closest("li");
    if (!line || event.target.type !== "checkbox") return;
    if (event.target.checked) document.getElementById("visitors-picked").append(line);
    count();
    if (window.house) window.house.markChanged(form);
  });

  // --- Sending -------------------------------------------------------------------
  // crypto.randomUUID does not exist on plain HTTP, where most offices are.
  function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, function (byte) { return (byte + 256).toString(16).slice(1); }).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  function collect() {
    const at = new Date().toISOString();
    const fields = Array.from(form.querySelectorAll(".register-row select")).concat(picked());
    const marks = [];
    fields.forEach(function (field) {
      const name = /^m(\d+)\.(\d+)(?:\.(.+))?$/.exec(field.name);
      if (!name || field.value === name[3]) return;
      const code = field.value.split(":");
      const mark = { entry: Number(name[1]), status: code[0], base_version: Number(name[2]), marked_at: at };
      if (code[1]) mark.reason = code[1];
      marks.push(mark);
    });
    return marks;
  }

  // What was sent and not answered yet: the very same bytes go again, so nothing counts twice.
  // Numbers only, no names; gone with the answer or with the tab.
  let pending = [];
  try { pending = JSON.parse(sessionStorage.getItem(storageKey) || "[]"); } catch (error) { pending = []; }
  let answered = [];
  function keep() {
    try {
      if (pending.length) sessionStorage.setItem(storageKey, JSON.stringify(pending));
      else sessionStorage.removeItem(storageKey);
    } catch (error) { /* private mode: the page itself still holds them */ }
  }

  function prepare() {
    const marks = collect();
    const counted = heads && /^\d+$/.test(heads.value.trim()) ? Number(heads.value.trim()) : null;
    const newHeads = counted !== null && heads.value.trim() !== heads.defaultValue;
    if (!marks.length && !newHeads) return false;
    for (let start = 0; start === 0 || start < marks.length; start += 500) {
      const body = { batch: uuid(), marks: marks.slice(start, start + 500) };
      if (start === 0 && newHeads) body.counted_heads = counted;
      pending.push(JSON.stringify(body));
    }
    answered = [];
    keep();
    return true;
  }

  const bar = document.getElementById("send-state");
  function say(text, level, extra) {
    bar.hidden = !text;
    bar.className = "send-state notice notice-" + level;
    bar.replaceChildren();
    const box = document.createElement("div");
    box.textContent = text;
    if (extra) box.append(" ", extra);
    bar.append(box);
  }
  function lock(waiting) {
    form.classList.toggle("is-waiting", waiting);
    button.querySelector("[data-label]").textContent = waiting ? "没发出去，点这里重发" : button.dataset.idle;
    document.getElementById("send-drop").hidden = !waiting;
  }
  function busy(on) {
    sending = on;
    button.disabled = on;
    if (on) button.querySelector("[data-label]").textContent = "正在发送…";
  }

  function token() {
    const found = document.cookie.split("; ").find(function (cookie) { return cookie.indexOf(form.dataset.csrfCookie + "=") === 0; });
    return found ? found.split("=")[1] : form.elements.csrfmiddlewaretoken.value;
  }
  function post(body) {
    const stop = new AbortController();
    const timer = setTimeout(function () { stop.abort(); }, TIMEOUT);
    return fetch(form.dataset.marks, {
      method: "POST", body: body, redirect: "manual", credentials: "same-origin", signal: stop.signal,
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    }).then(function (answer) { clearTimeout(timer); return answer; }, function (error) { clearTimeout(timer); throw error; });
  }

  function loginLink() {
    const link = document.createElement("a");
    link.href = form.dataset.login;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = "在新页面登录";
    return link;
  }
  function refuse(answer) {
    return answer.json().catch(function () { return {}; }).then(function (data) {
      pending = [];
      keep();
      busy(false);
      lock(false);
      say(data.error || "没有登记：这场培训找不到了，或者内容不对。请刷新页面再看。", "warn");
    });
  }
  function later(text, extra) {
    busy(false);
    lock(true);
    say(text, "warn", extra);
    if (window.house) window.house.markChanged(form);
  }
  function finish() {
    busy(false);
    button.disabled = true;
    button.querySelector("[data-label]").textContent = "已登记";
    say("已登记。", "good");
    if (window.house) window.house.markSaved(form);
    const query = answered.map(function (batch) { return "batch=" + batch; }).join("&");
    window.location.assign(form.dataset.done + "?" + query);
  }

  function send() {
    if (sending) return;
    if (!pending.length && !prepare()) {
      say("没有改动，不用提交。", "info");
      return;
    }
    busy(true);
    say("", "info");
    next();
  }
  function next() {
    post(pending[0]).then(function (answer) {
      if (answer.ok) {
        return answer.json().then(function (data) {
          answered.push(data.batch);
          pending.shift();
          keep();
          if (pending.length) next(); else finish();
        });
      }
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        later("登录过期了，点名还在这一页上，没有丢。请先登录，再回到这一页点重发。", loginLink());
      } else if (answer.status >= 500 || answer.status === 429) {
        later("服务器没有回应，点名还在这一页上，没有丢。等一会儿点重发。");
      } else return refuse(answer);
    }).catch(function () {
      later("没有网络，点名还在这一页上，没有丢。有了信号点重发，不会重复登记。");
    });
  }

  // No submit button any more: the page's own double-tap brake would hold back the resend as well.
  button.type = "button";
  button.addEventListener("click", send);
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    send();
  });
  document.getElementById("send-drop").addEventListener("click", function () {
    if (!window.confirm("不要刚才这一份，按系统里现在的名单重新点？")) return;
    pending = [];
    keep();
    if (window.house) window.house.markSaved(form);
    window.location.reload();
  });
  // Coming back by the browser's button: what is shown may be older than what was stored.
  window.addEventListener("pageshow", function (event) { if (event.persisted && answered.length) window.location.reload(); });

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

  form.classList.add("is-live");
  rows.forEach(function (row) { addMenu(row); paint(row); });
  count();
  if (pending.length) later("上次有一份点名没有收到回音。点重发，不会重复登记。");
})();
