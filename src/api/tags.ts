/** The chapters of the reference, and what each is about. */

const CHAPTERS: Readonly<Record<string, string>> = {
  auth: 'Sign-up and sign-in. No credential is needed but for giving up an account.',
  me: 'Who a credential is.',
  customer: 'Your account and where its events go.',
  accesskeys: 'Keys for programs. A key is shown once, when it is made.',
  agents: 'People who sign in, and what they may do.',
  numbers: 'Phone numbers and the flows they lead to.',
  extensions: 'Users that softphones register as.',
  flows: 'What a call does by itself, step by step.',
  activeflows: 'Runs of flows.',
  calls: 'Calls: make them, look at them, steer them.',
  groupcalls: 'Calls that were made together.',
  transfers: 'One call gives its other side to somebody else.',
  transcribes: 'Speech to text on a call.',
  transcripts: 'What was said.',
  speakings: 'Text to speech on a call.',
  languages: 'What the installed engines serve.',
  webhooks: 'Addresses that are told of events.',
  webhook_deliveries: 'What was sent to webhooks, and what became of it.',
  timelines: 'Stored events of one thing.',
  'aggregated-events': 'Stored events of all calls.',
  usage: 'What was used, by call and by day.',
  limits: 'How much may be called, and whom.',
  do_not_call: 'Numbers that are never called.',
  privacy: 'How long what was said is kept; export and erasure.',
  later: 'Answered so that clients of the whole API get along; not in this release.',
  events: 'What is sent to webhooks and WebSockets.',
}

export const TAGS = Object.entries(CHAPTERS).map(([name, description]) => ({ name, description }))
