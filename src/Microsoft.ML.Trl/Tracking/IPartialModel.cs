namespace Microsoft.ML.Trl.Tracking;

/// <summary>An exception that ends training early and carries the model that was reached.</summary>
internal interface IPartialModel
{
    /// <summary>The model as of the last good step; null where no estimator ran the training.</summary>
    ITransformer? Model { get; set; }
}
