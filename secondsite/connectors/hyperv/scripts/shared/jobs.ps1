# How one of Hyper-V's jobs has failed.
function ConvertTo-JobFailure([object] $Job) {
    if ("$($Job.State)" -eq 'Completed') { return $null }
    if ($Job.Error.Count -gt 0) { return ConvertTo-Failure $Job.Error[0] }
    $message = "Secondsite.NotConfirmed: Hyper-V has not finished it ($($Job.State))."
    if ($null -ne $Job.JobStateInfo.Reason) { $message = "$($Job.JobStateInfo.Reason.Message)" }
    [ordered]@{ message = $message; type = ''; fqid = ''; category = '' }
}
