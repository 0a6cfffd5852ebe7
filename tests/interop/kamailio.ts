/** Kamailio as a proxy in front: everything goes through it, it stays on the path of calls and puts itself on that of registrations. */

import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Program } from './program.ts'
import { freePorts, HERE } from './tools.ts'

const MODULES = ['tm', 'sl', 'rr', 'pv', 'path', 'maxfwd', 'textops', 'siputils']

export interface Kamailio {
  readonly port: number
  /** What it said so far. */
  readonly words: string
  close(): Promise<void>
}

/** @param folder of its own. @param server our port, and how it is reached */
export async function openKamailio(
  folder: string,
  server: { readonly port: number; readonly transport: 'udp' | 'tcp' },
): Promise<Kamailio> {
  const port = await freePorts()
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, 'kamailio.cfg')
  writeFileSync(file, configOf(port, `sip:${HERE}:${server.port};transport=${server.transport}`))
  const args = ['-f', file, '-DD', '-E', '-m', '64', '-M', '4', '-Y', folder]
  const program = new Program({ command: 'kamailio', args, cwd: folder })
  try {
    await program.says(/Listening on|udp: 127/)
  } catch (cause) {
    await program.close()
    throw cause
  }
  return {
    port,
    get words() {
      return program.output
    },
    close: () => program.close(),
  }
}

function configOf(port: number, server: string): string {
  return `#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
enable_tls=no
listen=udp:${HERE}:${port}
listen=tcp:${HERE}:${port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
${MODULES.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("path", "use_received", 1)
modparam("tm", "fr_timer", 5000)

request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (has_totag()) {
    if (loose_route()) { if (is_method("INVITE")) { record_route(); } t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  t_check_trans();
  if (is_method("REGISTER")) {
    add_path_received();
    $du = "${server}";
    t_relay();
    exit;
  }
  record_route();
  # A Route set beforehand is the path of a contact: it leads to the phone. loose_route() takes it, and says no all the same.
  if (is_present_hf("Route")) { loose_route(); t_relay(); exit; }
  $du = "${server}";
  t_relay();
}
`
}
