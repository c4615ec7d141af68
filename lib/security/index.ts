export {
  type Action,
  actions,
  allows,
  allowsGroup,
  everybody,
  formatScope,
  type Principal,
  parseScope,
  type Scope,
} from './scopes.ts'
