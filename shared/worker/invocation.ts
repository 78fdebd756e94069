/** The time that a handler has. */
export interface Invocation {
  /** Milliseconds until AWS kills this function. */
  remainingMilliseconds: () => number;
  /** The value of `remainingMilliseconds` when the batch began. */
  totalMilliseconds: number;
}
