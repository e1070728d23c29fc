namespace Microsoft.ML.Trl;

/// <summary>A change of options that takes less memory.</summary>
/// <param name="Change">The options, as they would be written.</param>
/// <param name="SavedBytes">By which the peak falls.</param>
/// <param name="PeakBytes">What remains.</param>
/// <param name="Fits">Whether that fits; null where the memory is not known.</param>
/// <param name="Price">What it costs in time or exactness.</param>
public sealed record TrainingPlanAdvice(string Change, long SavedBytes, long PeakBytes, bool? Fits, string Price);
