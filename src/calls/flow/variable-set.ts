/** `variable_set`: sets a variable of the run. */

import { type ActionKind, atOnce, text } from './action.ts'

export const variableSet: ActionKind = (option, _host, flow) =>
  atOnce(() => flow.setVariable(text(option, 'key'), text(option, 'value')))
