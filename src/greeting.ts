/** What a person reads when the server has started. */

import type { Config } from './config.ts'
import type { RunningNode } from './node.ts'

export function greeting(node: RunningNode, config: Config, startedInMs: number): string {
  const { first } = node
  const api = `http://${hostFor(config)}:${node.httpPort}/v1.0`
  const sip = `${hostFor(config)}:${node.sipPort}`
  const lines = [
    '',
    `Quietline ${node.version} is up (${(startedInMs / 1000).toFixed(1)} s). Open it and call the demo agent:`,
    '',
    `  ${node.pageUrl}`,
    '',
    `A softphone (UDP${config.sipTcp ? ' or TCP' : ''}${config.sipTls ? ' or TLS' : ''}; ${config.codecs.join(', ')}):`,
    ...first.extensions.map((one) => `  user ${one.extension}   password ${one.password}   server ${sip}`),
    `  then call ${first.demoNumber}${config.demo ? ', the demo agent' : ' (the demo agent is off)'}`,
    '',
    'The API:',
    `  base         ${api}`,
    `  customer id  ${first.customerId}`,
    first.accessKey === null
      ? '  access key   shown at the first start; more by POST /v1.0/accesskeys'
      : `  access key   ${first.accessKey}   (shown only now)`,
    ...(first.password === null ? [] : [`  sign-in      admin@localhost / ${first.password}   (shown only now)`]),
    '',
    `Speech: offline, English; understands ${node.phraseCount} demo phrases and says so when it hears anything else.`,
    '  Other phrases: "phrases" in POST /v1.0/transcribes, or QUIETLINE_STT_PHRASES=<file>. Free speech comes with an engine of your own.',
    `Capacity: about ${node.capacity} conversations at once on this machine (estimated from a measurement at start, synthetic).`,
    emergencyLine(config),
    ...(isOpen(config) ? ['', openWarning(config)] : []),
    '',
    'Try next:',
    '  npm run demo                       a whole call with a simulated caller, and how fast it was',
    `  curl '${api}/calls?token=<access key>'`,
    '  the agent of thirty lines in README.md',
    '',
  ]
  return `${lines.join('\n')}\n`
}

function emergencyLine({ emergencyRoute }: Config): string {
  return emergencyRoute === ''
    ? 'Emergency calls are not routed: 112, 911 and their like are refused. Keep another telephone, or set QUIETLINE_EMERGENCY_ROUTE.'
    : `Emergency calls go to ${emergencyRoute}.`
}

function isOpen(config: Config): boolean {
  return !(config.bind.startsWith('127.') || config.bind === '::1')
}

function openWarning(config: Config): string {
  return `Listening on ${config.bind}: reachable from the network. Sign-up is ${config.signup}; phones need their password; TLS is yours to put in front.`
}

function hostFor(config: Config): string {
  if (config.publicAddress !== null) return config.publicAddress
  if (config.bind === '0.0.0.0' || config.bind === '::') return '127.0.0.1'
  return config.bind.includes(':') ? `[${config.bind}]` : config.bind
}
