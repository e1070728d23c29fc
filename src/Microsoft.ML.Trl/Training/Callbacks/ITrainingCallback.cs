namespace Microsoft.ML.Trl;

/// <summary>
/// Code of your own that is called while a model is trained, by every method alike: transformers' TrainerCallback. Handed over in
/// <see cref="EvaluatedOptions.Callbacks"/>. Write the methods that you need; the others do nothing.
/// </summary>
/// <remarks>
/// The calls come on the training thread, one at a time, in the order of the list: <see cref="OnTrainBegin"/> once, <see cref="OnStepEnd"/>
/// after each step, before it is reported, <see cref="OnEvaluate"/> after each evaluation, when it has been reported, and
/// <see cref="OnTrainEnd"/> once, unless training was cancelled or failed. An exception ends training: the
/// <see cref="TrainingFailedException"/> that <c>Fit</c> throws carries it, and the model as of the last step.
/// </remarks>
public interface ITrainingCallback
{
    /// <summary>Called before the first step.</summary>
    /// <param name="state">Where training is.</param>
    /// <param name="control">What may be asked for.</param>
    void OnTrainBegin(TrainingState state, TrainingControl control) { }

    /// <summary>Called after each step, when its weights are updated.</summary>
    /// <param name="state">Where training is.</param>
    /// <param name="control">What may be asked for.</param>
    void OnStepEnd(TrainingState state, TrainingControl control) { }

    /// <summary>Called after each evaluation; <see cref="TrainingState.Evaluation"/> has its figures.</summary>
    /// <param name="state">Where training is.</param>
    /// <param name="control">What may be asked for.</param>
    void OnEvaluate(TrainingState state, TrainingControl control) { }

    /// <summary>Called after the last step, when the model is what <c>Fit</c> will return; only
    /// <see cref="TrainingOptions.WeightAveraging"/> comes after it.</summary>
    /// <param name="state">Where training ended.</param>
    /// <param name="control">Nothing can be asked for any more.</param>
    void OnTrainEnd(TrainingState state, TrainingControl control) { }
}
