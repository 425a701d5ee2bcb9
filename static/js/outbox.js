// The outbox of this phone: what outbox-core.js decides is kept in IndexedDB and sent to the server.
// Every change is one transaction "read, decide, write", so that two tabs never lose each other's taps.
// Where a browser has no IndexedDB the open page keeps it in memory, and `durable` says so.
(function () {
  "use strict";
  const core = window.outboxCore;
  const STORE = "kept";
  const TIMEOUT = 20000;
  const page = Number(document.body.dataset.account || 0);
  const memory = new Map();
  let durable = Boolean(window.indexedDB);
  let opening = null;
  let token = "";

  // --- What is kept ------------------------------------------------------------------------------
  function open() {
    opening = opening || new Promise(function (resolve) {
      let asked;
      try { asked = indexedDB.open("haizhou", 1); } catch (error) { resolve(null); return; }
      asked.onupgradeneeded = function () { asked.result.createObjectStore(STORE); };
      asked.onerror = asked.onblocked = function () { resolve(null); };
      asked.onsuccess = function () {
        const db = asked.result;
        db.onversionchange = function () { db.close(); opening = null; };
        db.onclose = function () { opening = null; };
        resolve(db);
      };
    });
    return opening;
  }
  // work(store, done): done(value) may be called from any request of the transaction.
  function transact(mode, work, instead) {
    return open().then(function (db) {
      if (!db || !durable) return useMemory(instead);
      return new Promise(function (resolve, reject) {
        let value;
        // "strict": a battery that dies a second later takes nothing along.
        const transaction = db.transaction(STORE, mode, { durability: "strict" });
        transaction.oncomplete = function () { resolve(value); };
        transaction.onabort = transaction.onerror = function () { reject(transaction.error); };
        work(transaction.objectStore(STORE), function (found) { value = found; });
      }).catch(function () { return useMemory(instead); });
    });
  }
  // The disk is full, or private browsing: the open page is the only place left, and says so.
  function useMemory(instead) {
    durable = false;
    return instead();
  }
  function get(name) {
    return transact("readonly", function (store, done) {
      store.get(name).onsuccess = function (event) { done(event.target.result); };
    }, function () { return memory.get(name); });
  }
  function put(name, value) {
    return transact("readwrite", function (store) { store.put(value, name); }, function () { memory.set(name, value); });
  }
  function remove(names) {
    return transact("readwrite", function (store) { names.forEach(function (name) { store.delete(name); }); }, function () {
      names.forEach(function (name) { memory.delete(name); });
    });
  }
  function names(prefix) {
    const fits = function (name) { return String(name).indexOf(prefix) === 0; };
    return transact("readonly", function (store, done) {
      store.getAllKeys().onsuccess = function (event) { done(event.target.result.filter(fits)); };
    }, function () { return Array.from(memory.keys()).filter(fits); });
  }
  function state() { return get("state").then(function (found) { return found || memory.get("state") || core.empty(); }); }
  // decide(state) → the core's answer {state, ...}
  function change(decide) {
    return transact("readwrite", function (store, done) {
      store.get("state").onsuccess = function (event) {
        const made = decide(event.target.result || core.empty());
        store.put(made.state, "state");
        memory.set("state", made.state);
        done(made);
      };
    }, function () {
      const made = decide(memory.get("state") || core.empty());
      memory.set("state", made.state);
      return made;
    }).then(function (made) {
      tell("changed");
      return made;
    });
  }

  // --- Who ------------------------------------------------------------------------------------------
  // A page of the server's names its account; the frame the phone keeps asks who was here last.
  function account() { return page ? Promise.resolve(page) : get("who").then(function (who) { return who || 0; }); }
  const arrived = page ? arrive() : Promise.resolve();
  // Somebody else was here before: his names leave the phone, what he has not sent yet stays and waits for him.
  async function arrive() {
    if ((await get("who")) === page) return;
    const kept = await names("pack:");
    await remove(kept.filter(function (name) { return name.indexOf("pack:" + page + ":") !== 0; }));
    await put("who", page);
  }

  const channel = window.BroadcastChannel ? new BroadcastChannel("haizhou-outbox") : null;
  if (channel) channel.onmessage = function (event) { emit(event.data.what, event.data.detail); };
  function emit(what, detail) { window.dispatchEvent(new CustomEvent("outbox:" + what, { detail: detail })); }
  function tell(what, detail) {
    emit(what, detail || {});
    if (channel) channel.postMessage({ what: what, detail: detail || {} });
  }

  // --- Talking to the server ----------------------------------------------------------------------
  function ask(address, options) {
    const stop = new AbortController();
    const timer = setTimeout(function () { stop.abort(); }, TIMEOUT);
    const all = Object.assign({ redirect: "manual", credentials: "same-origin", cache: "no-store", signal: stop.signal }, options);
    return fetch(address, all).then(read).catch(function () { return { status: 0, data: null }; }).then(function (reply) {
      clearTimeout(timer);
      return reply;
    });
  }
  function read(response) {
    const reply = { status: response.status, data: null, retryAfter: 0, login: response.type === "opaqueredirect" };
    const after = response.headers.get("Retry-After") || "";
    if (/^\d+$/.test(after)) reply.retryAfter = Number(after);
    else if (after) reply.retryAfter = Math.max(0, (Date.parse(after) - Date.now()) / 1000 || 0);
    return response.json().then(function (data) { reply.data = data; return reply; }, function () { return reply; });
  }
  // Whose login this is, a fresh token, and which packs are over. True when the queue may go.
  function hello(who) {
    return names("pack:" + who + ":").then(function (kept) {
      const sessions = kept.map(function (name) { return name.split(":")[2]; });
      return ask("/offline/hello/?sessions=" + sessions.join(","));
    }).then(function (reply) {
      const is = reply.status === 200 && reply.data && reply.data.account === who;
      if (is) {
        token = reply.data.csrf;
        return wipeOver(who, reply.data.over).then(function () {
          return change(function (now) { return { state: core.signedIn(now, who, true) }; });
        }).then(function () { return true; });
      }
      const isOther = reply.login || reply.status === 403 || (reply.data && reply.data.account);
      return change(function (now) {
        return { state: isOther ? core.signedIn(now, who, false) : core.postpone(now, reply, Date.now(), Math.random()) };
      }).then(function () { return false; });
    });
  }
  function post(batch, who) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token || pageToken(), "X-Account": String(who) };
    return ask("/sessions/" + batch.session + "/marks/", { method: "POST", body: batch.body, headers: headers });
  }
  function pageToken() {
    try { return JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] || ""; } catch (error) { return ""; }
  }

  // --- Sending ----------------------------------------------------------------------------------------
  let running = null, once = null, timer = null;
  // options: live (the page sends what was tapped just now), urgent (do not wait out the back-off), look (ask about packs)
  function sync(options) {
    if (running) {
      once = Object.assign(once || {}, options || {});
      return running.then(function () { return running; });
    }
    running = run(options || {}).catch(function () { return null; }).then(function () {
      running = null;
      const more = once;
      once = null;
      return more ? sync(more) : null;
    });
    return running;
  }
  async function run(options) {
    await arrived;
    const who = await account();
    if (!who) return;
    clearTimeout(timer);
    let greeted = false;
    for (let steps = 0; steps < 200; steps += 1) {
      const now = await state();
      const owes = core.count(now, who).waiting > 0;
      const wait = core.due(now, who, Date.now(), Object.assign({ signedIn: true }, options));
      if (owes && wait > 0) return plan(wait);
      if (!owes && (greeted || !options.look || !(await names("pack:" + who + ":")).length)) return;
      if (!greeted && (!options.live || now.login[who])) {
        if (!(await hello(who))) return (await leaveBehind(who)) ? null : again(who);
        greeted = true;
        if (!owes) return;
      }
      const step = await change(function (kept) { return core.next(kept, who, uuid(), Date.now(), options); });
      if (!step.send) return plan(step.wait);
      const told = await send(step.send, who);
      if (told.outcome === "login" && greeted) return;
      if (told.outcome === "busy" || told.outcome === "offline") options = Object.assign({}, options, { urgent: false });
    }
  }
  async function send(batch, who) {
    const reply = await post(batch, who);
    const told = await change(function (kept) { return core.answer(kept, batch.uuid, reply, Date.now(), Math.random()); });
    await keepTrue(who, told.updates);
    tell("answered", { session: batch.session, batch: batch.uuid, outcome: told.outcome, text: told.text, updates: told.updates });
    return told;
  }
  async function again(who) {
    const wait = core.due(await state(), who, Date.now());
    if (wait !== null) plan(wait || 1000);
  }
  // The account may have been closed: then the server keeps what waits for its superior, and the names leave the phone.
  async function leaveBehind(who) {
    let isClosed = false;
    for (let steps = 0; steps < 50; steps += 1) {
      const now = await state();
      const token = now.login[who] && Object.keys(now.tokens).filter(function (name) { return name.indexOf(who + "/") === 0; })[0];
      if (!token && !isClosed) return false;
      if (!token) break;   // all of it was taken in
      const asked = await handIn(now.tokens[token]);
      if (asked.status !== 200 || !asked.data || !asked.data.closed) return false;
      isClosed = true;
      const options = { urgent: true, signedIn: true };
      const step = await change(function (kept) { return core.next(kept, who, uuid(), Date.now(), options); });
      const proof = step.send && step.state.tokens[who + "/" + step.send.session];
      if (!proof) break;
      const reply = await handIn(proof, step.send.body);
      if (reply.status === 403) reply.login = true;
      const told = await change(function (kept) { return core.answer(kept, step.send.uuid, reply, Date.now(), Math.random()); });
      if (told.outcome !== "stored") return false;
      // Not "stored": the outcome page asks for a login this account has no more.
      tell("answered", { session: step.send.session, batch: step.send.uuid, outcome: "left", updates: told.updates });
    }
    await remove((await names("pack:" + who + ":")).concat(await names("draft:" + who + ":")));
    tell("changed");
    return true;
  }
  function handIn(pack, body) {
    const left = body ? { pack: pack, body: body } : { pack: pack };
    return ask("/offline/left/", { method: "POST", body: JSON.stringify(left), headers: { "Content-Type": "application/json" }, credentials: "omit" });
  }
  function plan(wait) {
    clearTimeout(timer);
    if (wait !== null) timer = setTimeout(function () { sync(); }, Math.max(wait, 200) + 50);
  }
  // crypto.randomUUID does not exist on plain HTTP, where most offices are.
  function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, function (byte) { return (byte + 256).toString(16).slice(1); }).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  // --- Packs and unfinished taps --------------------------------------------------------------------
  function packName(who, session) { return "pack:" + who + ":" + session; }
  async function download(session, query) {
    const who = await account();
    const reply = await ask("/sessions/" + session + "/pack/" + (query || ""));
    if (reply.status !== 200 || !reply.data || reply.data.account !== who) {
      throw new Error((reply.data && reply.data.error) || "没有存下来，请有网时再试一次。");
    }
    if (left) throw new Error("已经退出。");
    const pack = Object.assign(reply.data, { saved: Date.now() });
    await put(packName(who, session), pack);
    tell("changed");
    return pack;
  }
  async function pack(session) {
    const found = await get(packName(await account(), session));
    return found && !core.isOver(found, Date.now()) ? found : null;
  }
  async function packs() {
    const kept = await names("pack:" + (await account()) + ":");
    const found = await Promise.all(kept.map(get));
    return found.filter(function (one) { return one && !core.isOver(one, Date.now()); });
  }
  // What was acknowledged is what the pack shows from now on.
  function keepTrue(who, updates) {
    if (!updates.length) return null;
    const name = packName(who, updates[0].session);
    // In one transaction: a pack that is wiped meanwhile must not come back.
    return transact("readwrite", function (store) {
      store.get(name).onsuccess = function (event) {
        if (event.target.result) store.put(corrected(event.target.result, updates), name);
      };
    }, function () {
      if (memory.has(name)) memory.set(name, corrected(memory.get(name), updates));
    });
  }
  function corrected(kept, updates) {
    const heard = new Map(updates.map(function (one) { return [one.entry, one]; }));
    kept.parts.forEach(function (part) {
      part.people.forEach(function (person) {
        const one = heard.get(person.entry);
        if (!one || !one.status) return;
        Object.assign(person, { version: one.version, code: one.status, known: true });
      });
    });
    return kept;
  }
  // Closed by the server and nothing of it waits here: the names leave the phone.
  async function wipeOver(who, sessions) {
    const now = await state();
    const free = (sessions || []).filter(function (session) { return !Object.keys(core.waiting(now, who, session)).length; });
    await remove(free.map(function (session) { return packName(who, session); }));
  }
  // Everybody's packs after 72 hours, whoever holds the phone.
  async function wipeOld() {
    const kept = (await names("pack:")).concat(await names("draft:"));
    const found = await Promise.all(kept.map(get));
    await remove(kept.filter(function (name, place) { return !found[place] || core.isOver(found[place], Date.now()); }));
  }
  let left = false;
  async function leave() {
    left = true;
    const who = await account();
    if (core.count(await state(), who).waiting === 0) {
      const kept = (await names("pack:" + who + ":")).concat(await names("draft:" + who + ":"));
      await remove(kept);
      await change(function (now) { return { state: core.forget(now, who) }; });
    }
    await remove(["who"]);
  }
  function draftName(who, session) { return "draft:" + who + ":" + session; }
  async function draft(session, values) {
    const name = draftName(await account(), session);
    return values ? put(name, { values: values, saved: Date.now() }) : remove([name]);
  }
  async function readDraft(session) { return get(draftName(await account(), session)); }

  // --- What pages use -------------------------------------------------------------------------------
  async function add(sent) {
    const who = await account();
    const kept = await get(packName(who, sent.session));
    const facts = { account: who, at: new Date().toISOString(), pack: kept ? kept.token : "" };
    await change(function (now) { return { state: core.add(now, Object.assign({}, sent, facts)) }; });
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(function () { return false; });
  }
  async function settle(id, choice) {
    const who = await account();
    await change(function (now) { return { state: core.settle(now, who, id, choice, new Date().toISOString()) }; });
    return sync({ urgent: true });
  }
  async function update(decide) {
    const who = await account();
    return change(function (now) { return { state: decide(now, who) }; });
  }
  async function look() {
    const who = await account();
    const now = await state();
    return { account: who, state: now, sums: core.count(now, who), told: core.told(now, who) };
  }

  window.outbox = {
    add: add, sync: sync, settle: settle, update: update, look: look, draft: draft, readDraft: readDraft,
    download: download, pack: pack, packs: packs, leave: leave, isDurable: function () { return durable; },
  };

  // Packs of others go too; what waits is sent as soon as there is somebody to send it to.
  wipeOld().catch(function () { return null; }).then(function () { return sync({ look: true }); });
  window.addEventListener("online", function () { sync({ urgent: true, look: true }); });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "visible") sync({ urgent: true, look: true });
  });
})();
