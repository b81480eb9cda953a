"""Every GraphQL document the app sends to the Admin API. Tests validate each against the schema."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """One operation. `payload` is a mutation's root field, where its userErrors are."""

    name: str
    text: str
    payload: str = ""

    @property
    def is_mutation(self) -> bool:
        """Whether sending it twice could do something twice."""
        return bool(self.payload)


_PRODUCT = """
fragment ProductFields on Product {
  id
  title
  media(first: $photos, query: "media_type:IMAGE") {
    nodes { __typename ... on MediaImage { id alt status image { url width height } } }
  }
}
"""

_SUBSCRIPTION = """
fragment SubscriptionFields on AppSubscription {
  id
  name
  status
  test
  createdAt
  currentPeriodEnd
  lineItems {
    plan {
      pricingDetails {
        __typename
        ... on AppRecurringPricing { interval price { amount currencyCode } }
      }
    }
  }
}
"""

# The two kinds of charge have different enums for `status`, so one of them goes by an alias.
_PURCHASE = """
fragment PurchaseFields on AppPurchaseOneTime {
  id
  name
  purchaseStatus: status
  test
  createdAt
  price { amount currencyCode }
}
"""

SHOP_DETAILS = Document(
    "ShopDetails",
    """
query ShopDetails {
  shop {
    id
    name
    email
    myshopifyDomain
    ianaTimezone
    currencyCode
    plan { partnerDevelopment publicDisplayName }
  }
}
""",
)

ACCESS_SCOPES = Document(
    "AccessScopes",
    """
query AccessScopes {
  currentAppInstallation { accessScopes { handle } }
}
""",
)

PRODUCT_LIST = Document(
    "ProductList",
    """
query ProductList($first: Int!, $photos: Int!, $query: String) {
  products(first: $first, query: $query, sortKey: TITLE) { nodes { ...ProductFields } }
}
"""
    + _PRODUCT,
)

PRODUCT_BY_ID = Document(
    "ProductById",
    """
query ProductById($id: ID!, $photos: Int!) {
  product(id: $id) { ...ProductFields }
}
"""
    + _PRODUCT,
)

# What the store says about a product, for the tools that write about it.
PRODUCT_DATA = Document(
    "ProductData",
    """
query ProductData($id: ID!, $photos: Int!) {
  product(id: $id) {
    title
    productType
    vendor
    tags
    descriptionHtml
    options { name values }
    metafields(first: 30) { nodes { key value type } }
    media(first: $photos, query: "media_type:IMAGE") {
      nodes { __typename ... on MediaImage { alt } }
    }
  }
}
""",
)

APP_INSTALLATION = Document(
    "AppInstallation",
    """
query AppInstallation {
  currentAppInstallation {
    activeSubscriptions { ...SubscriptionFields }
    allSubscriptions(first: 20, reverse: true) { nodes { ...SubscriptionFields } }
    oneTimePurchases(first: 50, reverse: true) { nodes { ...PurchaseFields } }
  }
}
"""
    + _SUBSCRIPTION
    + _PURCHASE,
)

CHARGE_BY_ID = Document(
    "ChargeById",
    """
query ChargeById($id: ID!) {
  node(id: $id) {
    __typename
    ...SubscriptionFields
    ...PurchaseFields
  }
}
"""
    + _SUBSCRIPTION
    + _PURCHASE,
)

SUBSCRIPTION_CREATE = Document(
    "SubscriptionCreate",
    """
mutation SubscriptionCreate(
  $name: String!
  $returnUrl: URL!
  $price: MoneyInput!
  $test: Boolean!
  $replacementBehavior: AppSubscriptionReplacementBehavior!
) {
  appSubscriptionCreate(
    name: $name
    returnUrl: $returnUrl
    test: $test
    replacementBehavior: $replacementBehavior
    lineItems: [{ plan: { appRecurringPricingDetails: { price: $price, interval: EVERY_30_DAYS } } }]
  ) {
    appSubscription { ...SubscriptionFields }
    confirmationUrl
    userErrors { field message }
  }
}
"""
    + _SUBSCRIPTION,
    payload="appSubscriptionCreate",
)

PURCHASE_CREATE = Document(
    "PurchaseCreate",
    """
mutation PurchaseCreate($name: String!, $returnUrl: URL!, $price: MoneyInput!, $test: Boolean!) {
  appPurchaseOneTimeCreate(name: $name, returnUrl: $returnUrl, price: $price, test: $test) {
    appPurchaseOneTime { ...PurchaseFields }
    confirmationUrl
    userErrors { field message }
  }
}
"""
    + _PURCHASE,
    payload="appPurchaseOneTimeCreate",
)

SUBSCRIPTION_CANCEL = Document(
    "SubscriptionCancel",
    """
mutation SubscriptionCancel($id: ID!) {
  appSubscriptionCancel(id: $id) {
    appSubscription { ...SubscriptionFields }
    userErrors { field message }
  }
}
"""
    + _SUBSCRIPTION,
    payload="appSubscriptionCancel",
)

DOCUMENTS = (
    SHOP_DETAILS,
    ACCESS_SCOPES,
    PRODUCT_LIST,
    PRODUCT_BY_ID,
    PRODUCT_DATA,
    APP_INSTALLATION,
    CHARGE_BY_ID,
    SUBSCRIPTION_CREATE,
    PURCHASE_CREATE,
    SUBSCRIPTION_CANCEL,
)
