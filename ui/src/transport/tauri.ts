/** The transport of the desktop window: Tauri commands one way, one channel the other. */
import { Channel, invoke } from "@tauri-apps/api/core";
import type {
  Checkup,
  Handout,
  Hits,
  LinkQuestion,
  Page,
  RoomId,
  Update,
} from "../generated/protocol";
import { asFailure, type Transport } from "./transport";

async function call<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (thrown) {
    throw asFailure(thrown);
  }
}

/** The transport of this window. */
export function tauri(): Transport {
  return {
    capabilities: { hosting: true, nearby: true },
    async subscribe(onUpdate) {
      const channel = new Channel<Update>(onUpdate);
      await call("subscribe", { channel });
      return () => {
        channel.onmessage = () => {};
      };
    },
    painted: () => call("painted"),
    setName: (name) => call("set_name", { name }),
    hostRoom: (name, settings, passcode) => call<RoomId>("host_room", { name, settings, passcode }),
    suggestPasscode: () => call<string>("suggest_passcode"),
    stopHosting: (room) => call("stop_hosting", { room }),
    resumeHosting: (room) => call("resume_hosting", { room }),
    lookUp: (text) => call("look_up", { text }),
    join: (address, room, name) => call("join", { address, room, name }),
    lookNearby: (active) => call("look_nearby", { active }),
    setDiscovery: (discovery) => call("set_discovery", { discovery }),
    scan: () => call("scan"),
    stopScan: () => call("stop_scan"),
    joinNearby: (room) => call("join_nearby", { room }),
    checkUp: () => call<Checkup>("check_up"),
    handOut: (link) => call<Handout>("hand_out", { link }),
    saveQr: (link, format) => call<string>("save_qr", { link, format }),
    copyQr: (link) => call("copy_qr", { link }),
    readLink: (text) => call<LinkQuestion>("read_link", { text }),
    joinLink: (link) => call<RoomId>("join_link", { link }),
    passcode: (room, text) => call("passcode", { room, text }),
    leave: (room, keep) => call("leave", { room, keep }),
    redial: (room) => call("redial", { room }),
    send: (room, text) => call("send", { room, text }),
    retry: (room, id) => call("retry", { room, id }),
    discard: (room, id) => call("discard", { room, id }),
    typing: (room, active) => call("typing", { room, active }),
    page: (room, at) => call<Page>("page", { room, at }),
    read: (room, place) => call("read", { room, place }),
    unreadFrom: (room, place) => call("unread_from", { room, place }),
    saveDraft: (room, text) => call("save_draft", { room, text }),
    setPrefs: (prefs) => call("set_prefs", { prefs }),
    search: (room, query, before) => call<Hits>("search", { room, query, before }),
    exportRoom: (room, format) => call<string>("export_room", { room, format }),
    setSettings: (room, settings) => call("set_settings", { room, settings }),
    moderate: (room, member, action) => call("moderate", { room, member, action }),
    setRole: (room, member, role) => call("set_role", { room, member, role }),
    deleteMessage: (room, target) => call("delete_message", { room, target }),
    setPasscode: (room, text) => call("set_passcode", { room, text }),
    makeInvite: (room, role, uses, seconds) =>
      call<string>("make_invite", { room, role, uses, seconds }),
    inviteLink: (room, invite) => call<string>("invite_link", { room, invite }),
    revokeInvite: (room, invite) => call("revoke_invite", { room, invite }),
    answerKnock: (room, member, admit) => call("answer_knock", { room, member, admit }),
    compare: (room, wish) => call("compare", { room, wish }),
    openLink: (href) => call("open_link", { href }),
    exportIdentity: (passphrase) => call<string>("export_identity", { passphrase }),
    importIdentity: (text, passphrase) => call("import_identity", { text, passphrase }),
    restart: () => call("restart"),
    forgetRecent: (room) => call("forget_recent", { room }),
    copyText: (text) => call("copy_text", { text }),
    quit: () => call("quit"),
    stay: () => call("stay"),
  };
}
