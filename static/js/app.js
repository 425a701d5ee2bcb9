// Small helpers every page may use; all are switched on by data attributes.
// A page works without this file: forms post, menus open, lists page.
(function () {
  "use strict";
  document.documentElement.classList.add("js");

  function toast(text, level, action) {
    const box = document.getElementById("toasts");
    if (!box) return;
    for (const line of box.children) if (line.dataset.text === text) return;
    const line = document.createElement("div");
    line.className = "toast-line is-" + (level || "info");
    line.dataset.text = text;
    const words = document.createElement("span");
    words.textContent = text;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action ? action.label : "知道了";
    button.addEventListener("click", function () {
      line.remove();
      if (action) action.run();
    });
    line.append(words, button);
    box.append(line);
    // Warnings stay until they are read; good news leaves by itself.
    if (level !== "warn") setTimeout(function () { line.remove(); }, 6000);
  }

  const reload = { label: "刷新", run: function () { window.location.reload(); } };
  const refusals = {
    403: "这一步没有办成：页面放得太久，或者账号没有这项权限。请刷新后再试。",
    404: "这条记录找不到了，可能刚被别人改过。请刷新后再看。",
    413: "内容太大，没有保存。",
    429: "操作太快了，请等一分钟再试。",
  };
  document.addEventListener("htmx:responseError", function (event) {
    toast(refusals[event.detail.xhr.status] || "刚才的操作没有成功，请刷新页面再试。", "warn", reload);
  });
  ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function () { toast("网络不通，刚才的操作没有保存。", "warn"); });
  });
  // The register keeps and resends by itself, and says so: there this line would contradict it.
  const OFFLINE = "现在没有网络，先不要提交。";
  window.addEventListener("offline", function () {
    if (!document.getElementById("send-state")) toast(OFFLINE, "warn");
  });
  window.addEventListener("online", function () {
    document.querySelectorAll(".toast-line").forEach(function (line) {
      if (line.dataset.text === OFFLINE) line.remove();
    });
  });

  // A refused form: its errors are read first, and each leads to its field.
  const refused = document.getElementById("form-errors");
  if (refused) refused.focus();
  function toField(link, event) {
    const place = document.getElementById(link.hash.slice(1));
    if (!place) return;
    event.preventDefault();
    for (let box = place; box; box = box.parentElement) if (box.matches("details")) box.open = true;
    const field = place.matches("input,select,textarea") ? place : place.querySelector("input:not([type=hidden]),select,textarea");
    place.scrollIntoView({ block: "center" });
    if (field) field.focus({ preventScroll: true });
  }

  // Copying. The clipboard API is missing on plain HTTP, where most offices are.
  function copyByHand(text) {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    (document.querySelector("dialog[open]") || document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("copy"));
  }
  function copy(text) {
    if (!navigator.clipboard || !window.isSecureContext) return copyByHand(text);
    return navigator.clipboard.writeText(text).catch(function () { return copyByHand(text); });
  }
  function copied(button) {
    const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    const text = source ? (source.value || source.innerText).trim() : button.dataset.copy;
    copy(text).then(
      function () { toast("已复制，可以粘贴到微信里。", "good"); },
      function () { toast("复制不了，请长按文字自己选。", "warn"); }
    );
  }

  function fillDemo(button) {
    const form = document.getElementById("login-form");
    form.elements.username.value = button.dataset.demoUser;
    form.elements.password.value = button.dataset.demoPassword;
    const submit = form.querySelector("[type=submit]");
    submit.scrollIntoView({ block: "center" });
    submit.focus();
  }

  const clicks = {
    "[data-copy],[data-copy-from]": copied,
    "[data-demo-user]": fillDemo,
    "[data-error-link]": toField,
    "[data-print]": function () { window.print(); },
    "[data-open]": function (button) { document.querySelector(button.dataset.open).showModal(); },
    "[data-close]": function (button) { button.closest("dialog").close(); },
  };
  document.addEventListener("click", function (event) {
    for (const selector in clicks) {
      const button = event.target.closest(selector);
      if (button) clicks[selector](button, event);
    }
    const open = event.target.closest("details.menu");
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (menu !== open) menu.open = false;
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // Chromium knows requestSubmit from 76 on.
  function submit(form) {
    if (form.requestSubmit) form.requestSubmit();
    else form.submit();
  }
  document.addEventListener("change", function (event) {
    const field = event.target;
    if (field.matches("[data-autosubmit]") && field.form) submit(field.form);
    if (field.matches("[data-check-all]")) {
      const scope = field.form || document;
      scope.querySelectorAll('input[type="checkbox"][name="' + field.dataset.checkAll + '"]:not(:disabled)')
        .forEach(function (box) { box.checked = field.checked; });
    }
  });

  // A button that acts on ticked rows says how many: <span data-count="entry" data-counted="为这{}人开补课班">.
  function showCount(words) {
    words.dataset.idle = words.dataset.idle || words.textContent;
    const ticked = document.querySelectorAll('input[type="checkbox"][name="' + words.dataset.count + '"]:checked').length;
    words.textContent = ticked ? words.dataset.counted.replace("{}", ticked) : words.dataset.idle;
  }
  function showCounts() { document.querySelectorAll("[data-counted]").forEach(showCount); }
  document.addEventListener("change", showCounts);
  window.addEventListener("pageshow", showCounts);
  document.addEventListener("htmx:afterSettle", showCounts);

  // A strip that scrolls sideways begins where one is.
  document.querySelectorAll(".debt-tabs [aria-current]").forEach(function (here) {
    here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft;
  });

  // A long <select> with a box above it: only the choices with these words stay.
  document.querySelectorAll("[data-narrows]").forEach(function (box) {
    const list = document.querySelector(box.dataset.narrows);
    const all = Array.from(list.options);
    box.addEventListener("input", function () {
      const words = box.value.trim();
      const left = all.filter(function (option) { return !option.value || option.text.indexOf(words) >= 0; });
      const chosen = list.value;
      list.textContent = "";
      list.append.apply(list, left);
      const real = left.filter(function (option) { return option.value; });
      list.value = real.some(function (option) { return option.value === chosen; }) ? chosen : words && real.length === 1 ? real[0].value : "";
    });
  });

  // Asking before typed or tapped work is lost. House code may call markChanged/markSaved itself.
  const changed = new Set();
  function markChanged(form) { changed.add(form); }
  function markSaved(form) { changed.delete(form); }
  ["input", "change"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      const form = event.target.form;
      if (form && form.matches("[data-confirm-leave]")) markChanged(form);
    });
  });
  window.addEventListener("beforeunload", function (event) {
    for (const form of changed) if (!form.isConnected) changed.delete(form);
    if (changed.size) { event.preventDefault(); event.returnValue = ""; }
  });

  // A second tap on a slow network must not send twice; a download gives the button back.
  function holdButtons(form) {
    form.querySelectorAll("button:not([type=button])").forEach(function (button) {
      button.classList.add("is-sending");
      setTimeout(function () { button.classList.remove("is-sending"); }, 4000);
    });
  }
  document.addEventListener("submit", function (event) {
    const form = event.target;
    const pressed = event.submitter || document.activeElement || form;
    const asking = (pressed.form === form && pressed.dataset.confirm) || form.dataset.confirm;
    if (asking && !window.confirm(asking)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    markSaved(form);
    if (form.method === "post") setTimeout(function () { holdButtons(form); }, 0);
  }, true);
  function releaseButtons() {
    document.querySelectorAll(".is-sending").forEach(function (button) { button.classList.remove("is-sending"); });
  }
  window.addEventListener("pageshow", releaseButtons);
  document.addEventListener("htmx:afterRequest", releaseButtons);

  // Registers are kept by phones that can: over HTTPS, in a browser that lets pages work without a signal.
  if (window.isSecureContext && navigator.serviceWorker) {
    document.querySelectorAll("[data-kept]").forEach(function (link) { link.hidden = false; });
  }

  window.house = { toast: toast, copy: copy, submit: submit, markChanged: markChanged, markSaved: markSaved };
})();
