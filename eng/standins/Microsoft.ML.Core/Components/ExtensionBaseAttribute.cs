namespace Microsoft.ML;

/// <summary>Base of the attributes by which the catalog finds extensions of ML.NET's own components.</summary>
[AttributeUsage(AttributeTargets.Class)]
public abstract class ExtensionBaseAttribute : Attribute
{
    private protected ExtensionBaseAttribute(string contractName) => ContractName = contractName;

    public string ContractName { get; }
}
