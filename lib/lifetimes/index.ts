export { checkOfMaking, markOfRemoval } from './lifetimes.ts'
