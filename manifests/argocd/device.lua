-- Health of a Device: whether it is where its spec wants it.
local status = obj.status or {}
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being given up"}
end
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not looked at yet"}
end
if status.phase == "Maintenance" then
  return {status = "Suspended", message = "in maintenance"}
end
if status.error ~= nil then
  -- What is tried again by itself is on its way as long as an operation is; a machine at rest that fails is in trouble.
  local waits = status.operation ~= nil and not status.error.permanent
  return {status = waits and "Progressing" or "Degraded", message = status.error.code .. ": " .. status.error.message}
end
if status.phase == "Removed" then
  return {status = "Suspended", message = "out of use, its disks as they are"}
end
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    return {status = condition.status == "True" and "Healthy" or "Progressing", message = condition.message}
  end
end
return {status = "Progressing", message = "not looked at yet"}
