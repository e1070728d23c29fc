
namespace Microsoft.ML.Trl.Training;

/// <summary>Training that ended early leaves a usable model: it rides on the exception.</summary>
internal static class Interruption
{
    /// <summary>Whether the exception can carry one.</summary>
    public static bool Carries(Exception stop) => stop is TrainingCanceledException or TrainingDivergedException or RewardFunctionException;

    /// <summary>Puts it there.</summary>
    public static void Keep(Exception stop, ITransformer model)
    {
        switch (stop)
        {
            case TrainingCanceledException canceled:
                canceled.Model = model;
                break;
            case TrainingDivergedException diverged:
                diverged.Model = model;
                break;
            case RewardFunctionException failed:
                failed.Model = model;
                break;
        }
    }
}
