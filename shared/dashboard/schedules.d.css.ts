/** The style sheet, which the build makes a file of its own. */
export {};
