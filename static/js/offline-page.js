// The frame a phone keeps, opened without a signal: the register of one session from its pack, or the list of packs.
(function () {
  "use strict";
  const outbox = window.outbox;
  const body = document.getElementById("offline-body");
  const title = document.getElementById("offline-title");
  const lead = document.getElementById("offline-lead");
  const found = /^\/sessions\/(\d+)\/register\/$/.exec(window.location.pathname);

  function element(tag, look, text) {
    const made = document.createElement(tag);
    if (look) made.className = look;
    if (text) made.textContent = text;
    return made;
  }
  function day(text) {
    const parts = text.split("-");
    return Number(parts[1]) + "月" + Number(parts[2]) + "日";
  }
  // Kept for 72 hours, then the names leave the phone by themselves.
  function until(pack) {
    const at = new Date(pack.saved + 72 * 3600000);
    return (at.getMonth() + 1) + "月" + at.getDate() + "日" + at.getHours() + "点";
  }
  // Classes held separately share title and day: only this tells them apart.
  function where(pack) {
    return pack.parts.length === 1 ? pack.parts[0].name : pack.parts.length + "个支部";
  }
  function empty(text, hint) {
    const box = element("div", "empty");
    box.append(element("p", "empty-title", text), element("p", "muted", hint));
    body.append(box);
  }
  function again() {
    const link = element("a", "btn btn-primary", "有网了，打开网页");
    link.href = found ? window.location.href : "/";
    body.append(link);
  }

  // --- One register --------------------------------------------------------------------------------
  function row(person, number) {
    const made = document.getElementById("offline-row").content.cloneNode(true).firstElementChild;
    const select = made.querySelector("select");
    made.dataset.part = person.part;
    made.dataset.initials = person.initials;
    made.querySelector(".register-no").textContent = number;
    made.querySelector(".register-person").textContent = person.name;
    select.setAttribute("aria-label", person.name);
    if (!Array.from(select.options).some(function (option) { return option.value === person.code; })) select.add(new Option("请假", person.code));
    select.value = person.code;
    select.name = "m" + person.entry + "." + person.version + (person.known ? "." + person.code : "");
    return made;
  }
  function list(people, from) {
    const made = element("ul", "register");
    people.forEach(function (person, place) { made.append(row(person, from + place)); });
    return made;
  }
  function block(heading, people) {
    const box = element("section", "");
    box.dataset.group = "";
    if (heading) box.append(element("h3", "register-group", heading + " " + people.length + "人"));
    box.append(list(people, 1));
    return box;
  }
  function register(pack) {
    const form = document.getElementById("offline-register").content.cloneNode(true).firstElementChild;
    const parts = form.querySelector("#offline-parts");
    title.textContent = "点名";
    lead.textContent = where(pack) + " · " + day(pack.day) + " " + pack.title;
    form.dataset.session = pack.session;
    form.dataset.title = pack.title;
    form.dataset.minutes = pack.minutes || 0;
    form.dataset.done = "/sessions/" + pack.session + "/register/";
    pack.parts.forEach(function (part) {
      const of = function (kind) { return part.people.filter(function (person) { return person.part === kind; }); };
      if (pack.parts.length > 1) parts.append(element("h2", "register-part", part.name));
      parts.append(block("", of("EXPECTED")));
      if (of("OPTIONAL").length) parts.append(block("不作硬性要求", of("OPTIONAL")));
      if (of("VISITOR").length) parts.append(block("外单位来听", of("VISITOR")));
    });
    body.append(form);
    document.body.classList.add("is-register");
    window.startRegister(form);
  }

  // --- The list ------------------------------------------------------------------------------------
  function line(pack) {
    const item = element("li", "");
    const link = element("a", "");
    // 应到 as on the register: who is asked nothing and who visits stand on it and are not counted.
    const expected = pack.parts.reduce(function (sum, part) {
      return sum + part.people.filter(function (person) { return person.part === "EXPECTED"; }).length;
    }, 0);
    link.href = "/sessions/" + pack.session + "/register/";
    const main = element("span", "link-main");
    main.append(element("strong", "", pack.title), element("span", "muted", where(pack) + "，" + day(pack.day) + "，应到" + expected + "人，名单保留到" + until(pack)));
    link.append(main, element("span", "link-side", "点名"));
    item.append(link);
    return item;
  }
  function overview(packs) {
    if (!packs.length) empty("手机里没有存着的登记表", "有网时打开一场的点名页，或者点“下载到手机”，没有信号也能点名。");
    else {
      const made = element("ul", "link-list page-card");
      packs.forEach(function (pack) { made.append(line(pack)); });
      body.append(made);
    }
    again();
  }

  outbox.look().then(function (now) {
    if (!now.account) {
      empty("请先登录", "有网时登录一次，存下要用的登记表，没有信号也能点名。");
      return again();
    }
    if (!found) return outbox.packs().then(overview);
    return outbox.pack(Number(found[1])).then(function (pack) {
      if (pack) return register(pack);
      empty("这一场没有存在这台手机里", "现在连不上服务器。有了信号再打开；下次上课前先点“下载到手机”。");
      return again();
    });
  });
})();
