// What people see of the outbox: how much waits, what needs a decision, what this phone can and cannot keep.
(function () {
  "use strict";
  const outbox = window.outbox;
  if (!outbox) return;
  const chip = document.getElementById("outbox-state");
  const bar = document.getElementById("outbox-bar");
  const panel = document.getElementById("outbox-panel");
  const here = /^\/sessions\/(\d+)\/register\/$/.exec(window.location.pathname);
  const session = bar && here ? Number(here[1]) : 0;
  const hasWorker = Boolean(window.isSecureContext && navigator.serviceWorker);
  // The frame without the names would open to nothing.
  function canKeep() { return hasWorker && outbox.isDurable(); }
  const WORDS = {
    present: "出席", late: "迟到", left_early: "早退", online: "线上", elsewhere: "异地参训", leave: "请假", absent: "缺席", unmarked: "未登记", "": "没有登记",
    AWAY: "外出", ILL: "生病", PRIVATE: "有事", DUTY: "公务", UNKNOWN: "没说",
  };
  const WHY = {
    closed: "登记已经完成", frozen: "数据已经上报锁定", campaign_closed: "冬训已经结束", late: "离线超过3天才上传", account_closed: "账号已经停用", key_reuse: "提交编号重复",
    unknown: "不在您可以登记的名册里", other_part: "在另一个单位的登记表上", not_expected: "不在这场的名单里，没来就不用登记",
  };

  function words(value) {
    const text = WORDS[value.status] || value.status;
    return text + (value.reason ? "·" + WORDS[value.reason] : "") + (value.minutes ? " " + value.minutes + "分钟" : "");
  }
  function two(number) { return (number < 10 ? "0" : "") + number; }
  function clock(moment) {
    const at = new Date(moment);
    const time = two(at.getHours()) + ":" + two(at.getMinutes());
    const today = new Date().toDateString() === at.toDateString();
    return today ? time : (at.getMonth() + 1) + "月" + at.getDate() + "日 " + time;
  }
  function element(tag, look, text) {
    const made = document.createElement(tag);
    if (look) made.className = look;
    if (text) made.textContent = text;
    return made;
  }
  function button(text, act, look) {
    const made = element("button", "btn " + (look || "btn-outline-secondary"), text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  }

  // --- One line: how much waits ------------------------------------------------------------------
  function asks(sums) { return sums.conflict + sums.refused; }
  function short(sums) {
    const open = asks(sums) ? asks(sums) + "人要您定" : "";
    if (sums.waiting) return sums.waiting + "条待上传" + (open ? "，" + open : "");
    return open || (sums.last ? "已全部上传 " + clock(sums.last) : "");
  }
  function drawChip(now) {
    if (!chip) return;
    const text = short(now.sums);
    chip.hidden = !text;
    chip.textContent = text;
    chip.className = "outbox-state" + (now.sums.waiting || asks(now.sums) ? " is-open" : "");
  }

  // --- The bar of a register ---------------------------------------------------------------------
  let note = "";
  let tapped = 0;   // taps on this register that nobody handed in yet
  // Two lines in every state: a first tap must not move the names under the finger.
  function standing(now, pack) {
    const kept = session && pack && "名单已存到这台手机";
    const waits = short(now.sums);
    if (tapped) return (waits || kept ? (waits || kept) + "；" : "") + "点了" + tapped + "人，还没提交";
    return waits || "没有要上传的" + (kept ? "；" + kept : "");
  }
  function drawBar(now, pack) {
    if (!bar) return;
    bar.textContent = "";
    const line = element("p", "outbox-line" + (now.sums.waiting ? " is-open" : ""));
    const reason = why(now);
    line.setAttribute("role", "status");
    line.append(element("strong", "", standing(now, pack)));
    if (reason) line.append(element("span", "muted", reason));
    bar.append(line);
    if (now.sums.others) bar.append(element("p", "notice notice-warn", "这台手机上还有另一个账号点的" + now.sums.others + "条没上传。请那个账号在这台手机上登录，就会自动上传。"));
    if (session && !bar.dataset.over) drawKeeping(now, pack);
    if (note) bar.append(element("p", "notice notice-info", note));
  }
  function why(now) {
    if (!now.sums.waiting) return "";
    if (now.sums.login) return "登录过期了，登录后自动上传";
    return outbox.isDurable() ? "存在这台手机里，有信号自动上传" : "只在这一页上，上传以前不要关";
  }
  function drawKeeping(now, pack) {
    const line = element("p", "outbox-keep");
    if (!canKeep()) {
      const because = !outbox.isDurable() ? "这个浏览器不肯存东西（无痕浏览就是这样），" : window.isSecureContext ? "这个浏览器" : "这个网址不是 https，";
      line.append(element("span", "muted", "没有信号时可以接着点，不要关这一页：" + because + "关了再打开要有网。"));
    } else if (pack) {
      line.append(element("span", "muted", (short(now.sums) ? "名单已存到这台手机，" : "") + "没有信号也能点名"));
    } else line.append(button("下载到手机", download));
    bar.append(line);
  }
  function download() {
    outbox.download(session, bar.dataset.query || "").then(function (pack) {
      if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(function () { return false; });
      const people = pack.parts.reduce(function (sum, part) { return sum + part.people.length; }, 0);
      note = "存好了：" + people + "人的姓名和登记情况，没有电话和身份证号。";
    }, function (error) {
      note = error.message;
    }).then(draw);
  }

  // --- What needs a person -----------------------------------------------------------------------
  function drawPanel(now) {
    if (!panel) return;
    const mine = now.told.filter(function (one) { return !session || one.session === session; });
    panel.textContent = "";
    [["conflict", "这几个人您没上传时别人也登记了，请您定", conflict], ["refused", "这几条没有登记上", refused],
      ["held", "这几条交上去了，等组织员解锁", passed], ["rejected", "这几条没有登记", passed]].forEach(function (kind) {
      const lines = mine.filter(function (one) { return one.what === kind[0]; });
      if (!lines.length) return;
      const card = element("section", "page-card outbox-card");
      card.append(element("h2", "card-heading", kind[1]));
      (kind[2] === passed ? alike(lines) : lines).forEach(function (one) { card.append(kind[2](one)); });
      panel.append(card);
    });
  }
  function head(one) {
    const box = element("div", "conflict");
    const name = element("p", "outbox-who");
    name.append(element("strong", "", one.name || "一名党员"));
    if (!session) name.append(element("span", "muted", one.title));
    box.append(name);
    return box;
  }
  function conflict(one) {
    const box = head(one);
    const by = (one.by || "别人") + (one.when ? " " + clock(one.when) : "");
    box.append(element("p", "muted mb-1", by + " 登记为“" + words(one.theirs) + "”；您 " + clock(one.at) + " 点的是“" + words(one.mine) + "”。"));
    const line = element("div", "choices");
    line.append(button("用我的：" + words(one.mine), function () { decide(one, "mine"); }));
    line.append(button("不动：" + words(one.theirs), function () { decide(one, "theirs"); }));
    box.append(line);
    return box;
  }
  function refused(one) {
    const box = head(one);
    box.append(element("p", "muted mb-1", "您 " + clock(one.at) + " 点的是“" + words(one.mine) + "”。" + (one.text || "")));
    const line = element("div", "choices");
    line.append(button("再提交一次", function () { decide(one, "mine"); }));
    line.append(button("不要了", function () { if (window.confirm("不要“" + (one.name || "这条") + "”这一条？删了找不回来。")) decide(one, "drop"); }));
    box.append(line);
    return box;
  }
  // A whole sheet waits for the same reason: that is one line to read, not one for each person.
  function alike(lines) {
    const groups = new Map();
    lines.forEach(function (one) {
      const same = one.session + "/" + one.code;
      groups.set(same, (groups.get(same) || []).concat(one));
    });
    return Array.from(groups.values());
  }
  function passed(group) {
    const first = group[0];
    const said = group.map(function (one) { return (group.length > 1 ? one.name : "") + "“" + words(one.mine) + "”"; });
    const box = head(group.length > 1 ? Object.assign({}, first, { name: group.length + "人" }) : first);
    box.append(element("p", "muted mb-1", "您 " + clock(first.at) + " 点的是" + said.join("、") + "。" + (WHY[first.code] || "")));
    box.append(button("知道了", function () {
      outbox.update(function (now, who) {
        return group.reduce(function (state, one) { return window.outboxCore.settle(state, who, one.id, "drop"); }, now);
      }).then(draw);
    }));
    return box;
  }
  function decide(one, choice) { outbox.settle(one.id, choice).then(draw); }

  // --- Drawing -------------------------------------------------------------------------------------
  let owing = 0;
  function draw() {
    return Promise.all([outbox.look(), session && hasWorker ? outbox.pack(session) : null]).then(function (found) {
      owing = found[0].sums.waiting;
      drawChip(found[0]);
      drawBar(found[0], canKeep() ? found[1] : null);
      drawPanel(found[0]);
    });
  }
  window.addEventListener("outbox:changed", draw);
  window.addEventListener("register:tapped", function (event) {
    if (tapped === event.detail) return;
    tapped = event.detail;
    draw();
  });
  document.addEventListener("visibilitychange", draw);

  // --- Leaving ------------------------------------------------------------------------------------
  window.addEventListener("beforeunload", function (event) {
    if (!owing || !bar || canKeep()) return;
    event.preventDefault();
    event.returnValue = "";
  });
  // Logged out with an empty outbox, the names leave the phone; with a full one, its owner must know.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!/\/logout\/$/.test(form.action)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (owing && !window.confirm("还有" + owing + "条没上传。退出后还存在这台手机里，您再登录才会上传。现在退出吗？")) return;
    const slow = new Promise(function (resolve) { setTimeout(resolve, 1500); });
    const go = function () { form.submit(); };
    Promise.race([outbox.leave(), slow]).then(go, go);
  }, true);
  // The server's own page asks about the same people and takes over.
  document.addEventListener("submit", function (event) {
    const taken = event.target.dataset.settles;
    if (taken) outbox.update(function (now, who) { return window.outboxCore.handOver(now, who, Number(taken)); });
  });

  // --- The phone's own copy -------------------------------------------------------------------------
  if (hasWorker) {
    navigator.serviceWorker.register("/sw.js").catch(function () { return null; });
    if (bar && bar.dataset.keep) outbox.download(session, bar.dataset.query || "").then(draw, draw);
  }
  draw();
})();
