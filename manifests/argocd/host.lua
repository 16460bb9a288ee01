-- Health of a Host: whether its source says that it is ready. One that was written by hand has no source.
local status = obj.status or {}
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being deleted"}
end
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready
if ready == nil then
  return {status = "Healthy", message = "written by hand"}
end
if obj.spec.unschedulable then
  return {status = "Suspended", message = "takes nothing new"}
end
return {status = ready.status == "True" and "Healthy" or "Degraded", message = ready.message}
