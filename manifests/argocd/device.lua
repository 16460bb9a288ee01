-- Health of a Device: whether it is where its spec wants it.
local status = obj.status or {}
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being given up"}
end
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not looked at yet"}
end
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready or {status = "Unknown", message = "not looked at yet"}
if status.phase == "Maintenance" or status.phase == "Removed" then
  -- Hands off: it waits for a person.
  return {status = "Suspended", message = ready.message}
end
if conditions.Stalled ~= nil then
  return {status = "Degraded", message = ready.message}
end
if status.error ~= nil and status.operation == nil then
  -- A machine at rest whose BMC fails: it is asked again, but nothing brings it nearer to what is wanted.
  return {status = "Degraded", message = ready.message}
end
return {status = ready.status == "True" and "Healthy" or "Progressing", message = ready.message}
