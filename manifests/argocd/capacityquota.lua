-- Health of a CapacityQuota: whether the scheduler counts by it.
local status = obj.status or {}
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being deleted"}
end
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not looked at yet"}
end
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready or {status = "Unknown", message = "not looked at yet"}
if conditions.Stalled ~= nil then
  return {status = "Degraded", message = ready.message}
end
return {status = ready.status == "True" and "Healthy" or "Progressing", message = ready.message}
