class LocalCloudPlugin {
  hooks = {};
}

export { LocalCloudPlugin as "module.exports" };
